import { spawnSync } from "node:child_process";
import { goTool, goToolVersion } from "../support/go-tools.ts";

/**
 * Holds our client to its contracts at other people's registries that have to be built first.
 *
 *     npx -y pnpm@10 conformance:registries
 */
const registries = [
  { tool: "registry", test: "tests/conformance/distribution.test.ts" },
  { tool: "crane", test: "tests/conformance/crane-registry.test.ts" },
  { tool: "olareg", test: "tests/conformance/olareg.test.ts" },
] as const;

for (const { tool } of registries) {
  const { missing } = await goTool(tool);
  if (missing !== undefined) throw new Error(missing);
  console.log(`${tool} ${await goToolVersion(tool)}`);
}
const tests = registries.map(({ test }) => test);
const { status } = spawnSync("vitest", ["run", ...tests], { stdio: "inherit" });
process.exitCode = status ?? 1;
