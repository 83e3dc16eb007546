import { spawn } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { transhipMain } from "../support/run-tranship.ts";

/** A mebibyte, in bytes. */
export const mib: number = 1024 * 1024;

/** No run of the program may hold more memory, in bytes. */
export const maxRssBytes: number = 200 * mib;

/** What the kernel counted for a process of ours, and what that process asked. */
export interface Usage {
  /** The high-water mark of its resident memory, in bytes. */
  readonly peakRssBytes: number;
  /** What it had written to the disk's file system, in bytes. */
  readonly writtenBytes: number;
  readonly cpuMs: number;
  /** Requests it made of registries; fewer of them different ones when it asked for something twice. */
  readonly requests: number;
  readonly differentRequests: number;
}

/** Runs a program to its end and gives the time it took. @throws Error when it fails */
export async function timeProgram(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<number> {
  const startedMs = performance.now();
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...env } });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr = (stderr + chunk).slice(-4000);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const elapsedMs = performance.now() - startedMs;
  if (code !== 0) throw new Error(`${program} ${args[0]} ended with ${code}: ${stderr}`);
  return elapsedMs;
}

/** Runs the command line as a process of its own, and reads the kernel's counters for it when it ends. */
export async function measureTranship(...args: readonly string[]): Promise<Usage & { readonly elapsedMs: number }> {
  return await measure(args, {});
}

/** The same where somebody else counts the requests: of a great many, remembering them shows in the memory. */
export async function measureWithoutRequests(
  ...args: readonly string[]
): Promise<Omit<Usage, "requests" | "differentRequests"> & { readonly elapsedMs: number }> {
  return await measure(args, { USAGE_WITHOUT_REQUESTS: "1" });
}

async function measure(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Usage & { readonly elapsedMs: number }> {
  const usageFile = join(tmpdir(), `tranship-usage-${process.pid}.json`);
  const preload = fileURLToPath(new URL("../support/usage-at-exit.ts", import.meta.url));
  try {
    const elapsedMs = await timeProgram(process.execPath, ["--import", preload, transhipMain, ...args], {
      ...env,
      USAGE_FILE: usageFile,
    });
    return { elapsedMs, ...(JSON.parse(readFileSync(usageFile, "utf8")) as Usage) };
  } finally {
    rmSync(usageFile, { force: true });
  }
}

/** The middle of an odd number of values, the mean of the two in the middle else. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.slice(Math.floor((sorted.length - 1) / 2), Math.floor(sorted.length / 2) + 1);
  return middle.reduce((sum, value) => sum + value, 0) / middle.length;
}
