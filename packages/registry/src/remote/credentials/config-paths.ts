import { homedir } from "node:os";
import { join } from "node:path";

/**
 * Where docker and podman keep credentials, docker's place first.
 * @see containers-auth.json(5)
 */
export function credentialFilePaths(env: Readonly<Record<string, string | undefined>>): readonly string[] {
  const home = env.HOME || homedir();
  const { DOCKER_CONFIG, REGISTRY_AUTH_FILE, XDG_RUNTIME_DIR, XDG_CONFIG_HOME } = env;
  const paths = [
    join(DOCKER_CONFIG || join(home, ".docker"), "config.json"),
    ...(REGISTRY_AUTH_FILE ? [REGISTRY_AUTH_FILE] : []),
    ...(XDG_RUNTIME_DIR ? [join(XDG_RUNTIME_DIR, "containers", "auth.json")] : []),
    join(XDG_CONFIG_HOME || join(home, ".config"), "containers", "auth.json"),
  ];
  return [...new Set(paths)];
}
