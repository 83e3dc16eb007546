import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Where the program lies as it is published. */
export const builtProgram: string = fileURLToPath(new URL("../../packages/cli/program/main.js", import.meta.url));

/** Before all tests: makes the program that tests start as processes, which starts three times as fast as the sources. */
export function setup(): void {
  if (process.env.TRANSHIP_PACKED !== undefined) return; // another one is tested
  const tool = fileURLToPath(new URL("../../tools/bundle-cli/bundle-cli.ts", import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [tool], { encoding: "utf8" });
  if (status !== 0) throw new Error(`cannot build the program: ${stderr}`);
}
