import { closeSync, fsyncSync, openSync, renameSync, writeFileSync } from "node:fs";

/** Replaces a small file whole or not at all; a new one gets `mode`, as far as the process's mask lets it. */
export function writeWhole(path: string, text: string, mode = 0o666): void {
  const descriptor = openSync(`${path}.tmp`, "w", mode);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(`${path}.tmp`, path);
}
