import { closeSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { locally } from "./local-error.ts";
import { type OnSyncRefused, syncFile } from "./sync-folder.ts";

/** Options of {@link writeWhole}. */
export interface WriteWholeOptions {
  /** What a new file's permissions are, as far as the process's mask lets them be. @defaultValue 0o666 */
  readonly mode?: number | undefined;
  readonly onSyncRefused?: OnSyncRefused | undefined;
}

/**
 * Replaces a file whole or not at all; a text that is long comes in pieces.
 * @throws MirrorError `NO_SPACE`, `FILE_FAILED`
 */
export function writeWhole(
  path: string,
  text: string | Iterable<string>,
  { mode = 0o666, onSyncRefused }: WriteWholeOptions = {},
): void {
  locally(path, () => {
    rmSync(`${path}.tmp`, { force: true }); // what a killed process left, or a link that leads elsewhere
    const descriptor = openSync(`${path}.tmp`, "wx", mode);
    try {
      for (const piece of typeof text === "string" ? [text] : text) writeFileSync(descriptor, piece);
      syncFile(descriptor, path, onSyncRefused);
    } finally {
      closeSync(descriptor);
    }
    renameSync(`${path}.tmp`, path);
  });
}
