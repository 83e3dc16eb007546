import { open } from "node:fs/promises";
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

/** How long the reason of a failure may take to arrive after its trace, in milliseconds. */
const patienceMs = 100;

const step = "fill the image";

/**
 * Runs commands on an image. `debugfs` ends with exit code 0 whatever happens, so its word is not enough: it repeats every
 * command before it runs it, and all it writes is held against what it would write if each succeeded, to the byte. So is
 * its standard error, which is to have its version and nothing else.
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
  const expected = new ExpectedOutput(outputOf(commands()));
  const stop = new AbortController();
  let said = "";
  let isWrong = false;
  const goneWrong = () => {
    if (!isWrong) setTimeout(() => stop.abort(), patienceMs).unref();
    isWrong = true;
  };
  try {
    await runTool("debugfs", ["-w", "-f", script, image], {
      step,
      environment,
      cwd: folder,
      signal: AbortSignal.any([stop.signal, ...(signal ? [signal] : [])]),
      onStdout(chunk) {
        if (!isWrong && !expected.matches(chunk)) goneWrong();
      },
      onStderr(chunk) {
        said = (said + Buffer.from(chunk).toString("latin1")).slice(0, 65_536);
        if (said.replace(banner, "").length > 80) goneWrong();
      },
    });
  } catch (error) {
    if (!stop.signal.aborted || signal?.aborted) throw error;
  }
  const trouble = said.replace(banner, "").trim();
  if (!isWrong && trouble === "" && expected.isComplete()) return;
  const why = trouble === "" ? "debugfs did not answer as it does when all goes well" : trouble.slice(0, 600);
  throw new RootfsError("TOOL_FAILED", `cannot ${step}: ${why}`, { tool: "debugfs", step, output: trouble });
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
