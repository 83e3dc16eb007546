import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { type TranshipRun, transhipMain } from "./run-tranship.ts";

/** The preload that kills its own process at an exact place. */
const killSelf: string = fileURLToPath(new URL("kill-self.ts", import.meta.url));

const logSteps: string = fileURLToPath(new URL("log-steps.ts", import.meta.url));
const usageAtExit = fileURLToPath(new URL("usage-at-exit.ts", import.meta.url));

/** How a run ended; `signal` when it was killed. */
export interface EndedRun extends TranshipRun {
  readonly signal: NodeJS.Signals | null;
}

/** The program as a process of its own that can be watched and killed. */
export interface TranshipProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<EndedRun>;
}

/** Options of {@link startTranship}. */
export interface StartOptions {
  /** Where {@link killSelf} is to strike: before a step, or in the middle of a write. */
  readonly kill?: { readonly step: number } | { readonly bytes: number } | undefined;
  /** Where a process that is not killed leaves the number of its steps. */
  readonly stepsFile?: string | undefined;
  /** Where the process leaves a line for each change of names and each flush. */
  readonly stepLog?: string | undefined;
  /** Where the process leaves what the kernel has counted for it. */
  readonly usageFile?: string | undefined;
  /** Set for the process beside what it inherits. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly onStdout?: ((text: string) => void) | undefined;
}

/** Starts the program. */
export function startTranship(args: readonly string[], options: StartOptions = {}): TranshipProcess {
  const { kill, stepsFile, stepLog, usageFile, onStdout } = options;
  const preloads = [
    ...(kill !== undefined || stepsFile !== undefined ? ["--import", killSelf] : []),
    ...(stepLog === undefined ? [] : ["--import", logSteps]),
    ...(usageFile === undefined ? [] : ["--import", usageAtExit]),
  ];
  const env = {
    ...process.env,
    // Filling a cache of compiled sources would count among what a measured process writes.
    ...(usageFile === undefined ? {} : { NODE_DISABLE_COMPILE_CACHE: "1", USAGE_FILE: usageFile }),
    ...(kill && "step" in kill ? { KILL_AT_STEP: String(kill.step) } : {}),
    ...(kill && "bytes" in kill ? { KILL_AT_BYTES: String(kill.bytes) } : {}),
    ...(stepsFile === undefined ? {} : { STEPS_FILE: stepsFile }),
    ...(stepLog === undefined ? {} : { STEP_LOG: stepLog }),
    ...options.env,
  };
  const child = spawn(process.execPath, [...preloads, transhipMain, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env,
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => {
    stdout = (stdout + chunk).slice(-100_000); // a pull's events may be many
    onStdout?.(String(chunk));
  });
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<EndedRun>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  return { child, ended };
}

/** Runs the program to its end, killed or not. */
export async function runToEnd(args: readonly string[], options?: StartOptions): Promise<EndedRun> {
  return await startTranship(args, options).ended;
}
