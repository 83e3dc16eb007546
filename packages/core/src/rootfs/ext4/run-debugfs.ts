import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { RootfsError } from "../errors.ts";
import { fileError } from "../file-error.ts";
import { ExpectedOutput } from "./expected-output.ts";
import type { ToolEnvironment } from "./find-tool.ts";
import type { DebugfsCommand } from "./image-commands.ts";
import { runTool } from "./run-tool.ts";

/** How `debugfs` is run. */
export interface DebugfsOptions {
  /** A private folder it runs in, which holds the files that commands name. */
  readonly folder: string;
  readonly environment: ToolEnvironment;
  readonly signal: AbortSignal | undefined;
}

/** What `debugfs` says of itself before anything else. */
const banner = /^debugfs [^\n]*\n/;

/** How long it may go on to tell of a failure, in milliseconds, and how much is kept of that, in characters. */
const patienceMs = 100;
const maxSaid = 65_536;

const step = "fill the image";

/**
 * Runs commands on an image. `debugfs` ends with exit code 0 whatever happens, so its word is not enough: it repeats every
 * command before it runs it, and all it writes is held against what it would write if each succeeded, to the byte. So is
 * its standard error, which is to have its version and nothing else.
 * @param image - Its name in the folder.
 * @param commands - Gives the same commands each time.
 * @throws RootfsError `TOOL_MISSING`, `TOOL_FAILED`, `FILE_FAILED`, `NO_SPACE`
 */
export async function runDebugfs(
  image: string,
  commands: () => Iterable<DebugfsCommand>,
  { folder, environment, signal }: DebugfsOptions,
): Promise<void> {
  const script = join(folder, "commands");
  await writeLines(script, commands());
  signal?.throwIfAborted();
  const answers = join(folder, "answers");
  const stop = new AbortController();
  let said = "";
  let isWrong = false;
  const run = async (stdoutTo: number) => {
    const ending = await runTool("debugfs", ["-w", "-f", script, image], {
      step,
      environment,
      cwd: folder,
      signal: AbortSignal.any([stop.signal, ...(signal ? [signal] : [])]),
      stdoutTo,
      onStderr(chunk) {
        said = (said + Buffer.from(chunk).toString("latin1")).slice(0, maxSaid);
        if (isWrong || !banner.test(said) || trouble(said) === "") return;
        isWrong = true;
        setTimeout(() => stop.abort(), patienceMs).unref(); // the rest of what it has to say
      },
    });
    said = ending.stderr;
  };
  try {
    // a file takes its output, not a pipe: it writes line by line, and each one would wake us
    await using file = await open(answers, "w+", 0o600);
    try {
      await run(file.fd);
    } catch (error) {
      if (!stop.signal.aborted || signal?.aborted) throw error;
    }
    if (trouble(said) === "" && (await holds(file, outputOf(commands())))) return;
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw fileError(error, answers);
  }
  const why =
    trouble(said) === "" ? "debugfs did not answer as it does when all goes well" : trouble(said).slice(0, 600);
  throw new RootfsError("TOOL_FAILED", `cannot ${step}: ${why}`, { tool: "debugfs", step, output: trouble(said) });
}

function trouble(said: string): string {
  return said.replace(banner, "").trim();
}

/** Whether a file has these texts and nothing else. */
async function holds(file: FileHandle, texts: Iterable<string>): Promise<boolean> {
  const expected = new ExpectedOutput(texts);
  const chunk = Buffer.alloc(256 * 1024);
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(chunk, 0, chunk.byteLength, position);
    if (bytesRead === 0) return expected.isComplete();
    if (!expected.matches(chunk.subarray(0, bytesRead))) return false;
    position += bytesRead;
  }
}

/** Whether it failed because the file system it wrote to was full: it has no other way to tell. */
export function isImageFull(error: unknown): boolean {
  if (!(error instanceof RootfsError) || error.code !== "TOOL_FAILED") return false;
  return /Could not allocate block|No free space/.test((error as RootfsError<"TOOL_FAILED">).details.output);
}

function* outputOf(commands: Iterable<DebugfsCommand>): Generator<string, void, undefined> {
  for (const { line, answer } of commands) yield `debugfs: ${line}\n${answer === undefined ? "" : `${answer}\n`}`;
}

async function writeLines(path: string, commands: Iterable<DebugfsCommand>): Promise<void> {
  try {
    await using file = await open(path, "w", 0o600); // again when the image is made anew, larger
    let text = "";
    for (const { line } of commands) {
      text += `${line}\n`;
      if (text.length < 1024 ** 2) continue;
      await file.writeFile(text, "latin1");
      text = "";
    }
    await file.writeFile(text, "latin1");
  } catch (error) {
    throw fileError(error, path);
  }
}
