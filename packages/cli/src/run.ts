import { Console } from "node:console";
import { readFileSync } from "node:fs";
import { addAbortSignal } from "node:stream";
import { createContext } from "./context.ts";
import { exitCodeOf } from "./exit-codes.ts";
import { failureToTell } from "./failure-to-tell.ts";
import { fileReason } from "./file-reason.ts";
import { Interruption } from "./interruption.ts";
import { packageFolder } from "./package-folder.ts";
import { HumanOutput, JsonOutput } from "./print/output.ts";
import { createProgram } from "./program.ts";

const interrupted = 130;

/** Runs the program with this process's arguments and streams. The only file that touches `process`. */
async function run(): Promise<void> {
  hideSqliteNotice();
  globalThis.console = new Console(process.stderr); // what a hook prints must not end up in an archive or among JSON lines
  // Run as a workspace script, the working folder is the workspace's; paths mean the caller's.
  const { INIT_CWD, npm_lifecycle_event } = process.env;
  if (npm_lifecycle_event === "tranship" && INIT_CWD !== undefined) process.chdir(INIT_CWD);
  const isJson = process.argv.includes("--json");
  const output = new (isJson ? JsonOutput : HumanOutput)(process.stdout, process.stderr, {
    environment: process.env,
  });
  process.on("exit", () => output.end()); // whatever ends the process, its terminal stays usable
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (stop.signal.aborted) process.exit(interrupted);
      output.interrupted();
      stop.abort(new Interruption(name));
    });
  }
  const lost: unknown[] = [];
  process.on("unhandledRejection", (error) => {
    lost.push(error); // a hook did not wait for what it had begun
    stop.abort(error);
  });
  process.stderr.on("error", () => process.exit(1)); // whoever read us is gone
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE")
      process.stderr.write(`tranship: cannot write to standard output: ${fileReason(error)}\n`);
    process.exit(1);
  });
  const context = createContext({
    output,
    signal: stop.signal,
    input: addAbortSignal(stop.signal, process.stdin), // who is asked for a password may think better of it
    environment: process.env,
    columns: process.stdout.columns,
    exitWith(code) {
      process.exitCode = code;
    },
  });
  try {
    await createProgram(context, packageVersion()).parseAsync(process.argv);
    if (lost.length > 0) throw lost[0];
  } catch (error) {
    const isStopped = stop.signal.aborted && error instanceof Error && error.name === "AbortError"; // standard input was read
    const failure = failureToTell(isStopped ? stop.signal.reason : error);
    if (failure !== undefined) output.failure(failure);
    process.exitCode = stop.signal.aborted && lost.length === 0 ? interrupted : exitCodeOf(error);
  }
}

/** Node 22 calls its SQLite experimental on standard error. Who runs this program can do nothing about it, and it only locks. */
function hideSqliteNotice(): void {
  for (const print of process.listeners("warning")) {
    process.off("warning", print);
    process.on("warning", (warning) => {
      if (warning.name !== "ExperimentalWarning" || !warning.message.startsWith("SQLite")) print(warning);
    });
  }
}

function packageVersion(): string {
  const text = readFileSync(new URL("package.json", packageFolder), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

await run();
