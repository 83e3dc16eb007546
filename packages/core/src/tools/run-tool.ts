import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { findTool, type ToolEnvironment } from "./find-tool.ts";
import { OutputTail } from "./output-tail.ts";
import { ToolError } from "./tool-error.ts";

/** How a program is run. */
export interface ToolOptions {
  /** What it does, to follow "cannot" in messages: "format the image". */
  readonly step: string;
  /** Its whole environment; `PATH` in it says where it is looked for. @defaultValue `process.env` */
  readonly environment?: ToolEnvironment | undefined;
  /** The folder it runs in. @defaultValue the current one */
  readonly cwd?: string | undefined;
  /** What it reads on its standard input. @defaultValue nothing */
  readonly input?: string | Uint8Array | undefined;
  /** Exit codes that are no failure. @defaultValue 0 alone */
  readonly accept?: readonly number[] | undefined;
  /** An open file its standard output goes to, instead of to anybody here. */
  readonly stdoutTo?: number | undefined;
  /** Takes what it writes to its standard output; the next chunk waits for the promise of the last. */
  readonly onStdout?: ((chunk: Uint8Array) => void | Promise<void>) | undefined;
  /** The same for its standard error. */
  readonly onStderr?: ((chunk: Uint8Array) => void | Promise<void>) | undefined;
  /** It is killed when it writes nothing for so long, in milliseconds. @defaultValue it may be silent */
  readonly idleTimeoutMs?: number | undefined;
  /** Kills it, and whatever it started. */
  readonly signal?: AbortSignal | undefined;
}

/** How a program ended. */
export interface ToolEnding {
  readonly exitCode: number;
  /** The last 256 KiB of each stream, as text. */
  readonly stdout: string;
  readonly stderr: string;
}

// a group of its own, so that what it starts ends with it; Windows has no such groups
const hasGroups = process.platform !== "win32";

/**
 * Runs a program without a shell, to its end. It is looked for on `PATH` unless `tool` is an absolute path. Whatever it
 * started is killed with it: on an abort, when a callback throws, and when it is silent for too long.
 * @throws ToolError `TOOL_MISSING`, `TOOL_UNFIT` (it cannot be started), `TOOL_FAILED` (another exit code, a signal, silence)
 */
export async function runTool(tool: string, args: readonly string[], options: ToolOptions): Promise<ToolEnding> {
  const { step, environment = process.env, signal } = options;
  signal?.throwIfAborted();
  const program = tool.startsWith("/") ? tool : await findTool(tool, step, environment);
  const name = program.slice(program.lastIndexOf("/") + 1);
  const child = await started(program, args, options);
  const output = new OutputTail();
  const stdout = new OutputTail();
  const stderr = new OutputTail();

  let failure: { readonly error: unknown } | undefined;
  const stop = (error: unknown) => {
    failure ??= { error };
    kill(child);
  };
  const onAbort = () => stop(signal?.reason);
  const failed = (why: string, more: { readonly exitCode?: number; readonly signal?: string } = {}) => {
    const details = { tool: name, step, ...more, output: output.toString() };
    return new ToolError("TOOL_FAILED", `cannot ${step}: ${name} ${why}${said(details.output)}`, details);
  };
  const { idleTimeoutMs } = options;
  const silence =
    idleTimeoutMs === undefined
      ? undefined
      : setTimeout(() => stop(failed(`wrote nothing for ${idleTimeoutMs} ms`)), idleTimeoutMs);
  const drain = async (stream: Readable | null, tail: OutputTail, take: ToolOptions["onStdout"]) => {
    try {
      for await (const chunk of (stream ?? []) as AsyncIterable<Uint8Array>) {
        silence?.refresh();
        tail.add(chunk);
        output.add(chunk);
        await take?.(chunk);
      }
    } catch (error) {
      stop(error); // a callback's, or the stream's end when it was killed
    }
  };
  if (signal?.aborted) onAbort();
  else signal?.addEventListener("abort", onAbort, { once: true });
  try {
    const ended = new Promise<{ readonly code: number | null; readonly by: string | null }>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) resolve({ code: child.exitCode, by: child.signalCode });
      else child.once("exit", (code, by) => resolve({ code, by }));
    });
    child.stdin?.on("error", () => {}); // it ended without reading: its exit code tells more
    child.stdin?.end(options.input);
    await Promise.all([
      drain(child.stdout, stdout, options.onStdout),
      drain(child.stderr, stderr, options.onStderr),
      ended,
    ]);
    if (failure !== undefined) throw failure.error;
    const { code, by } = await ended;
    if (code === null) throw failed(`was ended by ${by}`, { signal: by ?? "a signal" });
    if (!(options.accept ?? [0]).includes(code)) throw failed(`ended with exit code ${code}`, { exitCode: code });
    return { exitCode: code, stdout: stdout.toString(), stderr: stderr.toString() };
  } finally {
    clearTimeout(silence);
    signal?.removeEventListener("abort", onAbort);
  }
}

/** The child once it runs; until then it has no process that could be killed. */
async function started(program: string, args: readonly string[], options: ToolOptions): Promise<ChildProcess> {
  try {
    const child = spawn(program, [...args], {
      cwd: options.cwd,
      env: { ...(options.environment ?? process.env) },
      stdio: [options.input === undefined ? "ignore" : "pipe", options.stdoutTo ?? "pipe", "pipe"],
      detached: hasGroups,
      windowsHide: true,
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    return child;
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new ToolError(
      "TOOL_UNFIT",
      `cannot ${options.step}: ${program} cannot be run: ${reason}`,
      { tool: program, reason },
      { cause: error },
    );
  }
}

/** The last lines of its output, for a message. */
function said(output: string): string {
  const lines = output.trim().split("\n").slice(-5).join(" | ");
  return lines === "" ? "" : `: ${lines.slice(-600)}`;
}

function kill(child: ChildProcess): void {
  for (const stream of child.stdio ?? []) stream?.destroy(); // whoever else holds them does not hold us
  if (child.pid === undefined) return;
  try {
    if (hasGroups) process.kill(-child.pid, "SIGKILL");
    else child.kill("SIGKILL");
  } catch {
    // it was quicker
  }
}
