import { futimesSync, lutimesSync } from "node:fs";
import type { Timestamp } from "../../layer-archive/layer-entry.ts";
import type { InodeMetadata } from "../tree/inode.ts";

/**
 * A moment as Node sets it: seconds as a double. Between 1901 and 2106 that is within 300 ns of the exact one, with Node 22,
 * which cuts it to microseconds, within 1300 ns (measured; whole seconds are exact). Nothing in Node takes nanoseconds; a tar archive or an image file keeps them.
 */
export function secondsOf({ seconds, nanoseconds }: Timestamp): number {
  return seconds + nanoseconds / 1e9;
}

/** The access time that goes with an inode: its own where it is later than the modification time, else that. */
export function accessTimeOf({ atime, mtime }: Pick<InodeMetadata, "atime" | "mtime">): Timestamp {
  return atime ?? mtime;
}

/** Sets an open file's times, in seconds since 1970. */
export function setFileTimes(descriptor: number, atime: number, mtime: number): void {
  futimesSync(descriptor, settable(atime), settable(mtime));
}

/** Sets the times of what is at a path, of a symbolic link itself, in seconds since 1970. */
export function setPathTimes(path: string | Buffer, atime: number, mtime: number): void {
  lutimesSync(path, settable(atime), settable(mtime));
}

/** Node takes a negative number for "now", and the same number as text for what it says. */
function settable(seconds: number): number | string {
  return seconds < 0 ? String(seconds) : seconds;
}
