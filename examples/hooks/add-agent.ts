//#region hook
import type { DockerImageConfig, RootfsFiles } from "@tranship/core/rootfs";

/** Puts a start script into an image. Given to `tranship rootfs --hook`, and called by programs. */
export default async function addAgent(files: RootfsFiles, { config }: { readonly config: DockerImageConfig }) {
  const command = [...(config.entrypoint ?? []), ...(config.cmd ?? [])].join(" ") || "/bin/sh";
  files.mkdir("/opt/agent", { recursive: true });
  files.write("/opt/agent/start", `#!/bin/sh\nexec ${command}\n`, { mode: 0o755 });
  await files.append("/etc/hosts", "10.0.0.1 control\n"); // made if it is missing
  if (!files.exists("/init")) files.symlink("/opt/agent/start", "/init");
}
//#endregion
