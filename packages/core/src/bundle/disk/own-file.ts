import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync } from "node:fs";
import { MirrorError } from "../../errors.ts";
import { locally } from "./local-error.ts";

const { O_CREAT, O_RDONLY, O_RDWR, O_TRUNC } = constants;

// Windows has neither, nor the links and pipes they are about for whom may not make them
const { O_NOFOLLOW = 0, O_NONBLOCK = 0 }: Partial<typeof constants> = constants;

/** More is not read of a lock file, in bytes: a longer text cannot be held. */
const maxTextBytes = 512 * 1024 * 1024;

/** What becomes of a file that is opened: it must be there, is made when missing, or begins anew. */
type Opening = "existing" | "kept" | "fresh";

const flags: Readonly<Record<Opening, number>> = { existing: 0, kept: O_CREAT, fresh: O_CREAT | O_TRUNC };

/**
 * Opens one of a bundle's own files for reading and writing, and never what a symbolic link of its name leads to: a folder
 * that comes from elsewhere may hold one to anything.
 */
export function openOwn(path: string, opening: Opening): number {
  return openSync(path, O_RDWR | O_NOFOLLOW | flags[opening], 0o666);
}

/**
 * Reads a file of a bundle that is read whole: a regular file, so that neither a pipe nor a device keeps us without end.
 * @throws MirrorError `FILE_FAILED`; what the system says
 */
export function readOwn(path: string, maxBytes: number = maxTextBytes): Buffer {
  const descriptor = openSync(path, O_RDONLY | O_NONBLOCK);
  try {
    const found = fstatSync(descriptor);
    if (!found.isFile()) throw refused(path, "it is no file");
    if (found.size > maxBytes) throw refused(path, `it is over ${maxBytes} bytes long`);
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Makes sure that what has that name, if anything has, is no symbolic link. @throws MirrorError `FILE_FAILED` */
export function requireNoLink(path: string): void {
  const found = locally(path, () => lstatSync(path, { throwIfNoEntry: false }));
  if (found?.isSymbolicLink()) throw refused(path, "it is a symbolic link");
}

function refused(path: string, why: string): MirrorError<"FILE_FAILED"> {
  return new MirrorError("FILE_FAILED", `cannot use ${path}: ${why}`, { path, reason: "ENOTREG" });
}
