import { closeSync, constants, fchmodSync, fchownSync, ftruncateSync, openSync, writeSync } from "node:fs";

import type { ByteString } from "../../layer-archive/byte-string.ts";
import type { AttributeKind, FileAttributes } from "./content-job.ts";
import { fileFault } from "./file-fault.ts";
import { hostPath } from "./host-path.ts";
import { setFileTimes } from "./timestamps.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR, O_WRONLY } = constants;

/** What systems answer to a change of an attribute that they or this user cannot make. */
const refusals: ReadonlySet<string> = new Set([
  "EPERM",
  "EACCES",
  "EINVAL",
  "ENOSYS",
  "ENOTSUP",
  "EOPNOTSUPP",
  "EOVERFLOW",
]);

/** Makes a file that is not there, never through a link. @throws LayerFault `FILE_FAILED`, `NO_SPACE` */
export function makeFile(path: ByteString, mode: number): number {
  try {
    return openSync(hostPath(path), O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW, mode);
  } catch (error) {
    throw fileFault(error, path);
  }
}

/** Opens a file that is there, to write in the middle of it. @throws LayerFault `FILE_FAILED` */
export function openFile(path: ByteString): number {
  try {
    return openSync(hostPath(path), O_RDWR | O_NOFOLLOW);
  } catch (error) {
    throw fileFault(error, path);
  }
}

/** Writes all of `bytes` at `position`. @throws LayerFault `FILE_FAILED`, `NO_SPACE` */
export function writeAt(descriptor: number, path: ByteString, bytes: Uint8Array, position: number): void {
  try {
    for (let done = 0; done < bytes.byteLength; ) {
      done += writeSync(descriptor, bytes, done, bytes.byteLength - done, position + done);
    }
  } catch (error) {
    throw fileFault(error, path);
  }
}

/** Makes an open file as long as it is to be; what was not written is a hole. @throws LayerFault `FILE_FAILED` */
export function extendFile(descriptor: number, path: ByteString, size: number): void {
  try {
    ftruncateSync(descriptor, size);
  } catch (error) {
    throw fileFault(error, path);
  }
}

/**
 * Gives a file its attributes and closes it: the owner first, because changing it takes setuid away. What is refused goes to
 * `onRefused`; where that is the owner, setuid and setgid are left out, so that nobody's file acts for somebody else.
 */
export function finishFile(
  descriptor: number,
  path: ByteString,
  { mode, owner, times }: FileAttributes,
  onRefused: (kind: AttributeKind) => void,
): void {
  const attempt = (kind: AttributeKind, change: () => void): boolean => attemptAt(path, () => onRefused(kind), change);
  try {
    const owned = owner === undefined || attempt("owner", () => fchownSync(descriptor, owner.uid, owner.gid));
    if (mode !== undefined) attempt("mode", () => fchmodSync(descriptor, owned ? mode : mode & 0o1777));
    if (times !== undefined) attempt("times", () => setFileTimes(descriptor, times.atime, times.mtime));
  } finally {
    closeSync(descriptor);
  }
}

/** Makes a change that may be refused; whether it was made. @throws LayerFault `FILE_FAILED` */
export function attemptAt(path: ByteString, onRefused: () => void, change: () => void): boolean {
  try {
    change();
    return true;
  } catch (error) {
    if (!refusals.has((error as NodeJS.ErrnoException).code ?? "")) throw fileFault(error, path);
    onRefused();
    return false;
  }
}
