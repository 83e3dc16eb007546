import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, link, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { localError } from "../bundle/disk/local-error.ts";

const temporaryPattern = /^\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** Older temporary files have no living writer, in milliseconds: nothing takes a day to write. */
export const staleMs: number = 24 * 60 * 60 * 1000;

/** The last pause before a name is given up, in milliseconds: each is twice the one before it. */
const longestPauseMs = 160;

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
    await local(path, () => takeName(temporary, path));
    return identity;
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Gives the file at `from` the second name `path`, in place of whatever has it; nothing is copied.
 * @param temporary a name that nobody else takes meanwhile
 */
export async function linkFile(
  folder: string,
  from: string,
  path: string,
  temporary: string = temporaryIn(folder),
): Promise<void> {
  try {
    await link(from, temporary);
    await takeName(temporary, path);
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

/**
 * Renames a file, in place of another. Windows gives the name of a file that is open to no other; whoever reads one of ours
 * has done so in a moment.
 */
export async function takeName(from: string, path: string): Promise<void> {
  for (let pauseMs = 10; ; pauseMs *= 2) {
    try {
      await rename(from, path);
      return;
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      const isHeld = code === "EBUSY" || (process.platform === "win32" && ["EACCES", "EPERM"].includes(code));
      if (!isHeld || pauseMs > longestPauseMs) throw error;
      await sleep(pauseMs);
    }
  }
}

/** A name in `folder` that nobody else takes; {@link removeStaleFiles} knows it. */
export function temporaryIn(folder: string): string {
  return join(folder, `.${randomUUID()}.tmp`);
}

/**
 * The same name beside `path` each time, free: for whoever alone puts something there, so that what a killed process left
 * does not stay when it is done again.
 */
export async function temporaryFor(path: string): Promise<string> {
  const hex = createHash("sha256").update(basename(path)).digest("hex");
  const uuid = hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, "$1-$2-$3-$4-$5");
  const temporary = join(dirname(path), `.${uuid}.tmp`);
  await rm(temporary, { force: true });
  return temporary;
}
