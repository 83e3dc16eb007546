import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { atFile } from "../../file-error.ts";
import { sidecarText } from "./sidecar.ts";
import type { Unapplied } from "./unapplied.ts";

/**
 * Writes what a directory lacks, whole or not at all; nothing to tell takes away what is there from before.
 * @throws RootfsError `FILE_FAILED`, `NO_SPACE`
 */
export function writeSidecar(path: string, unapplied: Unapplied): void {
  if (unapplied.size === 0) {
    atFile(path, () => rmSync(path, { force: true }));
    return;
  }
  const temporary = `${path}.${process.pid}.tmp`;
  atFile(path, () => {
    rmSync(temporary, { force: true });
    const descriptor = openSync(temporary, "wx", 0o644);
    try {
      for (const piece of sidecarText(unapplied)) writeFileSync(descriptor, piece);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
  });
}
