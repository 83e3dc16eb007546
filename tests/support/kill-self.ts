import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

// Loaded into a process that is to die at an exact place (`node --import`). KILL_AT_STEP=N: a SIGKILL right before the Nth
// call that renames, removes or flushes a file, but for the flushes of the journal. KILL_AT_BYTES=N: in the middle of the
// write that would pass so many bytes, the part before it written. STEPS_FILE: a process that is not killed leaves there
// how many steps it made.
const steps = ["fdatasync", "fsync", "rename", "rm", "unlink"];
const { KILL_AT_STEP, KILL_AT_BYTES, STEPS_FILE } = process.env;

type Call = (...args: readonly unknown[]) => unknown;

let stepsMade = 0;
let bytesWritten = 0;

function beforeStep(): void {
  stepsMade += 1;
  if (stepsMade === Number(KILL_AT_STEP)) process.kill(process.pid, "SIGKILL");
}

/** Whether a descriptor is that of a journal: it is flushed for every line, long before anything is published. */
function isJournal(descriptor: unknown): boolean {
  return typeof descriptor === "number" && fs.readlinkSync(`/proc/self/fd/${descriptor}`).endsWith("/plan.ndjson");
}

function wrap(owner: object, name: string): void {
  const call: unknown = Reflect.get(owner, name);
  if (typeof call !== "function") return;
  const wrapped: Call = (...args) => {
    if (!isJournal(args[0])) beforeStep();
    return Reflect.apply(call, owner, args);
  };
  Reflect.set(owner, name, wrapped);
}

for (const name of steps) {
  wrap(fs, name);
  wrap(fs, `${name}Sync`);
  wrap(fs.promises, name);
}

if (KILL_AT_BYTES !== undefined) {
  const limit = Number(KILL_AT_BYTES);
  const { writeSync } = fs;
  const torn = (descriptor: number, bytes: NodeJS.ArrayBufferView, offset = 0, length = 0, position?: number) => {
    if (bytesWritten + length > limit) {
      writeSync(descriptor, bytes, offset, limit - bytesWritten, position);
      process.kill(process.pid, "SIGKILL");
    }
    bytesWritten += length;
    return writeSync(descriptor, bytes, offset, length, position);
  };
  Reflect.set(fs, "writeSync", torn);
}

syncBuiltinESMExports();

if (STEPS_FILE !== undefined) process.on("exit", () => fs.writeFileSync(STEPS_FILE, String(stepsMade)));
