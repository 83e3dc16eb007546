import { closeSync, fsyncSync, openSync } from "node:fs";

/** Makes renames in a folder last. Some file systems refuse to sync a folder; nothing better can be had there. */
export function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {}
}
