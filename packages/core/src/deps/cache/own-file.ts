import { constants } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { replaceFile } from "../../layout/atomic-file.ts";
import { DepsError } from "../errors.ts";
import type { OnDepsEvent } from "../events.ts";
import { fileError, onDisk } from "../file-error.ts";
import { isMissing } from "./is-missing.ts";

/** More is not read of a cache's notes, in bytes: those of a million files are smaller. */
const maxOwnFileBytes = 512 * 1024 * 1024;

/** Opening a pipe waits for somebody who writes to it, unless told not to. Windows has no such flag and no such pipes. */
const readAtOnce = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Options of {@link readOwnFile}. */
export interface ReadOwnFileOptions {
  /** What it is, for messages, such as `what is known of files`. */
  readonly what: string;
  /** Sets nothing aside. */
  readonly isReadOnly: boolean;
  readonly onEvent?: OnDepsEvent | undefined;
}

/**
 * Reads a file in which a cache keeps notes; `undefined` when there is none. One that cannot be understood is told of with
 * `STATE_DAMAGED`, set aside as `NAME.damaged` and counts as none: all of it can be found out again.
 * @throws DepsError `FILE_FAILED`; `CACHE_VERSION` as `parse` does
 */
export async function readOwnFile<Value>(
  path: string,
  parse: (text: string) => Value,
  { what, isReadOnly, onEvent }: ReadOwnFileOptions,
): Promise<Value | undefined> {
  try {
    return parse(new TextDecoder("utf-8", { fatal: true }).decode(await readRegular(path)));
  } catch (error) {
    if (isMissing(error)) return undefined;
    const { code } = error as NodeJS.ErrnoException;
    const isUnreadable = ["EACCES", "EPERM", "EIO", "EMFILE", "ENFILE"].includes(code ?? "");
    if (isUnreadable || error instanceof DepsError) throw fileError(error, path);
    if (!isReadOnly) await setAside(path);
    const end = isReadOnly ? "it is not used" : `it is kept as ${path}.damaged, and begun anew`;
    onEvent?.({
      type: "warning",
      warning: { code: "STATE_DAMAGED", message: `${path}, ${what}, cannot be understood: ${end}` },
    });
    return undefined;
  }
}

/** The bytes of a regular file. @throws what the system says; Error for what is none, or is too long */
export async function readRegular(path: string, maxBytes: number = maxOwnFileBytes): Promise<Uint8Array> {
  const file = await open(path, readAtOnce);
  try {
    const found = await file.stat();
    if (!found.isFile() || found.size > maxBytes) throw new Error(`${path} is no file of at most ${maxBytes} bytes`);
    return await file.readFile();
  } finally {
    await file.close();
  }
}

/** Keeps a file that cannot be understood under another name, in place of an earlier one. */
export async function setAside(path: string): Promise<void> {
  await onDisk(path, async () => {
    await rm(`${path}.damaged`, { recursive: true, force: true });
    await rename(path, `${path}.damaged`);
  });
}

/** Replaces such a file whole or not at all. @throws DepsError `FILE_FAILED`, `NO_SPACE` */
export async function writeOwnFile(path: string, text: string): Promise<void> {
  await onDisk(path, () => replaceFile(dirname(path), path, (file) => file.writeFile(text)));
}

/**
 * Makes sure that a file is not of a version that is yet to come: what newer code noted must not be overwritten.
 * @throws DepsError `CACHE_VERSION`
 */
export function requireVersion(json: unknown, supported: number, path: string): void {
  const version = (json as { readonly version?: unknown } | null)?.version;
  if (typeof version !== "number" || !(version > supported)) return;
  const message = `cannot use the cache: ${path} is of version ${version}, this program knows ${supported}; use a newer one`;
  throw new DepsError("CACHE_VERSION", message, { path, version, supported });
}
