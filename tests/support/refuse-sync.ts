import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

// Loaded into a process (`node --import`) whose file system is to answer every request to sync with the code SYNC_ANSWERS.
type Callback = (error: Error) => void;

function refusal(): Error {
  const code = process.env.SYNC_ANSWERS ?? "EINVAL";
  return Object.assign(new Error(`${code}: said by a test, fsync`), { code, syscall: "fsync" });
}

function refuseNow(): never {
  throw refusal();
}

function refuseLater(_descriptor: number, done: Callback): void {
  setImmediate(() => done(refusal()));
}

Object.assign(fs, { fsyncSync: refuseNow, fdatasyncSync: refuseNow, fsync: refuseLater, fdatasync: refuseLater });
syncBuiltinESMExports();
