import { type ChildProcess, spawn } from "node:child_process";
import { longestTimerMs } from "../sleep.ts";
import { locateProgram } from "./locate-program.ts";

/** How a program is run. */
export interface ProgramOptions {
  readonly args: readonly string[];
  /** What it reads on its standard input. */
  readonly input: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** It is killed after so long, in milliseconds. */
  readonly timeoutMs: number;
  /** It is killed when it prints more, in bytes of one stream. */
  readonly maxOutputBytes: number;
  readonly signal?: AbortSignal | undefined;
}

/** How a program ended: by itself, or why it did not get that far. */
export type ProgramEnding =
  | { readonly status: number; readonly stdout: string; readonly stderr: string; readonly failure?: undefined }
  | { readonly failure: string };

// a group of its own, so that what it starts ends with it; Windows has no such groups
const hasGroups = process.platform !== "win32";

/**
 * Runs a program without a shell, to its end; it is looked for in the absolute folders of `PATH` in `env`. Rejects with
 * `signal.reason` only; any other trouble is its ending.
 */
export function runProgram(program: string, options: ProgramOptions): Promise<ProgramEnding> {
  const { args, input, env, timeoutMs, maxOutputBytes, signal } = options;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const child = spawned(program, args, env);
    if ("failure" in child) {
      resolve(child);
      return;
    }
    const end = (ending: ProgramEnding) => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      if (ending.failure !== undefined) kill(child);
      resolve(ending);
    };
    const onAbort = () => {
      reject(signal?.reason);
      end({ failure: "it was aborted" });
    };
    const timer = setTimeout(
      () => end({ failure: `no answer within ${timeoutMs} ms` }),
      Math.min(timeoutMs, longestTimerMs),
    );
    signal?.addEventListener("abort", onAbort, { once: true });
    child.on("error", (error: NodeJS.ErrnoException) => end({ failure: explain(error) }));
    // short of file descriptors, Node makes no streams; the error is still to come
    if (!child.stdout || !child.stderr || !child.stdin) return;
    const collect = (stream: NodeJS.ReadableStream) => {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      stream.on("data", (chunk: Buffer) => {
        bytes += chunk.byteLength;
        if (bytes > maxOutputBytes) end({ failure: `it prints more than ${maxOutputBytes} bytes` });
        else chunks.push(chunk);
      });
      return () => Buffer.concat(chunks).toString("utf8");
    };
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    child.on("close", (status, killer) => {
      end(status === null ? { failure: `it was ended by ${killer}` } : { status, stdout: stdout(), stderr: stderr() });
    });
    child.stdin.on("error", () => {}); // it ended without reading: its status tells more
    child.stdin.end(input);
  });
}

function spawned(
  program: string,
  args: readonly string[],
  env: ProgramOptions["env"],
): ChildProcess | { readonly failure: string } {
  const path = locateProgram(program, env);
  if (path === undefined) return { failure: missing };
  try {
    return spawn(path, [...args], { env: { ...env }, detached: hasGroups, windowsHide: true });
  } catch (error) {
    return { failure: explain(error as NodeJS.ErrnoException) }; // an environment no program can have
  }
}

const missing = "there is no such program on PATH";

function explain({ code }: NodeJS.ErrnoException): string {
  return code === "ENOENT" ? missing : `it cannot be run: ${code}`;
}

function kill(child: ChildProcess): void {
  for (const stream of child.stdio ?? []) stream?.destroy(); // whoever else holds them does not hold us
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    if (hasGroups) process.kill(-child.pid, "SIGKILL");
    else child.kill("SIGKILL");
  } catch {
    // it was quicker
  }
}
