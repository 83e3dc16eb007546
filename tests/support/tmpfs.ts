import { onTestFinished } from "vitest";
import { mountDisk, noSmallDisk, resizeDisk, unmountDisk } from "./small-disk.ts";
import { tempFolder } from "./temp-folder.ts";

/** Why file systems of a given size cannot be made here; `undefined` when they can. */
export const noTmpfs: string | undefined = noSmallDisk;

/**
 * A file system of exactly `bytes` bytes in memory, rounded up to pages, and of `files` files, folders counted; gone when
 * the test ends. Needs `noTmpfs === undefined`.
 */
export function tmpfs(bytes: number, files?: number): string {
  const folder = tempFolder();
  mountDisk(folder, bytes, files);
  onTestFinished(() => unmountDisk(folder));
  return folder;
}

/** Gives a {@link tmpfs} another size. */
export function resize(folder: string, bytes: number): void {
  resizeDisk(folder, bytes);
}
