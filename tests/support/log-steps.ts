import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

// Loaded into a process (`node --import`) to see what it does to names and what it flushes: every call leaves a JSON line,
// a Step, in the file STEP_LOG.

/** A name that was changed, or bytes or names that are on the device from here on. */
export type Step =
  | { readonly type: "rename"; readonly from: string; readonly to: string }
  | { readonly type: "remove"; readonly path: string }
  | { readonly type: "flush"; readonly path: string };

type Call = (...args: readonly unknown[]) => unknown;

const { STEP_LOG } = process.env;

function replace(name: string, wrap: (call: Call) => Call): void {
  const call: unknown = Reflect.get(fs, name);
  if (typeof call === "function") Reflect.set(fs, name, wrap(call as Call));
}

if (STEP_LOG !== undefined) {
  const log = (step: Step) => fs.appendFileSync(STEP_LOG, `${JSON.stringify(step)}\n`);
  const pathOf = (descriptor: unknown) => fs.readlinkSync(`/proc/self/fd/${String(descriptor)}`);
  replace("renameSync", (call) => (from, to) => {
    call(from, to);
    log({ type: "rename", from: String(from), to: String(to) });
  });
  for (const name of ["rmSync", "unlinkSync"]) {
    replace(name, (call) => (path, ...rest) => {
      const isThere = fs.existsSync(String(path));
      call(path, ...rest);
      if (isThere) log({ type: "remove", path: String(path) });
    });
  }
  for (const name of ["fsyncSync", "fdatasyncSync"]) {
    replace(name, (call) => (descriptor) => {
      call(descriptor);
      log({ type: "flush", path: pathOf(descriptor) });
    });
  }
  for (const name of ["fsync", "fdatasync"]) {
    replace(name, (call) => (descriptor, done) => {
      const path = pathOf(descriptor);
      call(descriptor, (error: unknown) => {
        if (!error) log({ type: "flush", path });
        if (typeof done === "function") Reflect.apply(done, undefined, [error]);
      });
    });
  }
  syncBuiltinESMExports();
}
