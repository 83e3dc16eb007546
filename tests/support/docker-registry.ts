import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ServerPlace, type ServerProgram, startServerProgram } from "./server-program.ts";

/** A running `docker-registry` with an empty store of its own. */
export type DockerRegistry = ServerProgram;

/**
 * Starts Debian's `docker-registry`, or another build of that program, on a free port. It is stopped, and its folder
 * removed, when disposed. It speaks distribution 2.8: uploads, mounts and deletes, but no referrers API.
 */
export async function startDockerRegistry(program: string = "docker-registry"): Promise<DockerRegistry> {
  return await startServerProgram(program, async (place) => {
    const config = join(place.folder, "config.yml");
    await writeFile(config, JSON.stringify(configuration(place))); // JSON is YAML too
    return ["serve", config];
  });
}

function configuration({ directory, port }: ServerPlace): object {
  return {
    version: 0.1,
    log: { level: "error", accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: directory, maxthreads: 100 },
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: { addr: `127.0.0.1:${port}` },
  };
}
