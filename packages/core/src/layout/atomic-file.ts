import { randomUUID } from "node:crypto";
import { type FileHandle, link, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { localError } from "../bundle/local-error.ts";

const temporaryPattern = /^\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** Older temporary files have no living writer, in milliseconds: nothing takes a day to write. */
export const staleMs: number = 24 * 60 * 60 * 1000;

/**
 * Puts a file in place whole or not at all: filled under a temporary name in `folder`, flushed, renamed to `path`.
 * Gives the file's identity, see {@link identityOf}.
 */
export async function replaceFile(
  folder: string,
  path: string,
  fill: (file: FileHandle) => Promise<void>,
): Promise<string> {
  const temporary = temporaryIn(folder);
  const file = await local(path, () => open(temporary, "wx"));
  try {
    let identity: string;
    try {
      await fill(file);
      await local(path, () => file.datasync());
      identity = identityOf(await local(path, () => file.stat({ bigint: true })));
    } finally {
      await file.close();
    }
    await local(path, () => rename(temporary, path));
    return identity;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Gives the file at `from` the second name `path`, in place of whatever has it; nothing is copied. */
export async function linkFile(folder: string, from: string, path: string): Promise<void> {
  const temporary = temporaryIn(folder);
  try {
    await link(from, temporary);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true }); // a rename to another name of the same file leaves both
  }
}

/** Removes what a killed process left unfinished in `folder`, once it is a day old. */
export async function removeStaleFiles(folder: string, nowMs: number = Date.now()): Promise<void> {
  for (const name of await local(folder, () => readdir(folder))) {
    if (!temporaryPattern.test(name)) continue;
    const path = join(folder, name);
    const found = await stat(path).catch(() => undefined); // another process may tidy up too
    if (found && nowMs - found.mtimeMs > staleMs) await rm(path, { force: true });
  }
}

/** Which state of which file this is: equal only for the same file, unchanged. */
export function identityOf(found: {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}): string {
  return [found.dev, found.ino, found.size, found.mtimeNs].join(":");
}

/** Does something with a local file. @throws MirrorError `FILE_FAILED`, `NO_SPACE` */
export async function local<Value>(path: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw localError(error, path);
  }
}

/** The same; `undefined` when there is no such file, nor a folder to hold it. */
export async function localIfAny<Value>(path: string, work: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw localError(error, path);
  }
}

function temporaryIn(folder: string): string {
  return join(folder, `.${randomUUID()}.tmp`);
}
