import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The program's entry: where `TRANSHIP_MAIN` says, or as it is published when that was built for the tests, or in the sources. */
export const transhipMain: string =
  process.env.TRANSHIP_MAIN ??
  process.env.TRANSHIP_PROGRAM ??
  fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url));

/** What a run of the program left. */
export interface TranshipRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program as a process of its own. */
export function runTranship(...args: readonly string[]): Promise<TranshipRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [transhipMain, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => {
      stdout += chunk;
    });
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}
