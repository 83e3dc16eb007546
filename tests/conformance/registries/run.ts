import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { goTool, goToolVersion } from "../../support/go-tools.ts";

/**
 * Holds our client to its contracts at other people's registries, some of which take minutes to be built.
 *
 *     npx -y pnpm@10 conformance:registries
 */
for (const name of ["registry", "crane", "olareg"] as const) {
  const { missing } = await goTool(name);
  if (missing !== undefined) throw new Error(missing);
  console.log(`${name} ${await goToolVersion(name)}`);
}
const config = fileURLToPath(new URL("vitest.config.ts", import.meta.url));
const { status } = spawnSync("vitest", ["run", "--config", config], { stdio: "inherit" });
process.exitCode = status ?? 1;
