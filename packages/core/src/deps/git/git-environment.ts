import type { ToolEnvironment } from "../../tools/find-tool.ts";

/** What users set to reach their servers: keys, certificates, proxies, configuration. */
const keptNames =
  /^GIT_(?:CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|COUNT|(?:KEY|VALUE)_\d+)|EXEC_PATH|SSH(?:_COMMAND|_VARIANT)?|(?:PROXY_)?SSL_\w+|PROXY_COMMAND|HTTP_PROXY_AUTHMETHOD|HTTP_USER_AGENT)$/;

/** Programs and windows that would ask somebody, and languages. */
const droppedNames = /^(?:SSH_ASKPASS|DISPLAY|WAYLAND_DISPLAY|LANGUAGE|LANG|LC_.*)$/;

/**
 * What git is run with: the caller's variables, but of git's own only those that say how servers are reached. No variable
 * leads it to another repository, to files that it logs secrets in, or to somebody it could ask for a password.
 * @param protocols the ways it may reach a repository; it uses no others, whatever redirects and configuration say
 */
export function gitEnvironment(environment: ToolEnvironment, protocols: readonly string[]): ToolEnvironment {
  const kept = Object.entries(environment).filter(
    ([name]) => !droppedNames.test(name) && (!name.startsWith("GIT_") || keptNames.test(name)),
  );
  return {
    ...Object.fromEntries(kept),
    LC_ALL: "C",
    GIT_ALLOW_PROTOCOL: protocols.join(":"),
    GIT_ASKPASS: "",
    GIT_NO_LAZY_FETCH: "1",
    GIT_TERMINAL_PROMPT: "0",
    GCM_INTERACTIVE: "never",
    SSH_ASKPASS_REQUIRE: "never",
  };
}
