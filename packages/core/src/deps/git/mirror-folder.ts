import { randomUUID } from "node:crypto";
import { lstat, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DepsError } from "../errors.ts";
import { onDisk } from "../file-error.ts";

/** What a folder must have to be worth asking git about. */
const mirrorFiles = ["HEAD", "config", "objects", "refs"] as const;

/** Whether there is a mirror at `path`, without symbolic links for its parts; whether it is a sane one, git knows. */
export async function isMirror(path: string): Promise<boolean> {
  const found = await Promise.all([path, ...mirrorFiles.map((name) => join(path, name))].map(isOwn));
  return found.every((one) => one);
}

/** Whether there is a symbolic link anywhere in a folder: git would write where it leads. */
export async function hasLinks(folder: string, signal: AbortSignal | undefined): Promise<boolean> {
  signal?.throwIfAborted();
  for (const entry of await onDisk(folder, () => readdir(folder, { withFileTypes: true }))) {
    if (entry.isSymbolicLink()) return true;
    if (entry.isDirectory() && (await hasLinks(join(folder, entry.name), signal))) return true;
  }
  return false;
}

/** A new name beside `path`, whose folders are made. */
export async function nameBeside(path: string): Promise<string> {
  await onDisk(path, () => mkdir(dirname(path), { recursive: true }));
  return join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
}

/** Removes what runs that were killed left beside `path`. */
export async function removeLeftovers(path: string): Promise<void> {
  const [start, end] = [`.${basename(path)}.`, ".tmp"];
  const names = await onDisk(path, () => namesIn(dirname(path)));
  const isLeftover = (name: string) =>
    name.startsWith(start) && name.endsWith(end) && /^[0-9a-f-]{36}$/.test(name.slice(start.length, -end.length));
  for (const name of names.filter(isLeftover)) await remove(join(dirname(path), name));
}

/**
 * Puts a finished mirror in its place; the unfinished one that is there goes.
 * @throws DepsError `FILE_FAILED` for a folder with something else in it
 */
export async function putInPlace(finished: string, path: string): Promise<void> {
  const names = await onDisk(path, () => namesIn(path));
  const isOurs = names.length === 0 || names.some((name) => (mirrorFiles as readonly string[]).includes(name));
  if (!isOurs) {
    const reason = "it holds something else than a git repository";
    throw new DepsError("FILE_FAILED", `cannot mirror into ${path}: ${reason}`, { path, reason });
  }
  if (names.length > 0) {
    const old = await nameBeside(path);
    await onDisk(path, () => rename(path, old));
    await onDisk(path, () => rename(finished, path));
    await remove(old);
  } else await onDisk(path, () => rename(finished, path));
}

/** Removes what a git that was killed keeps others out with, and what it had not finished. Nobody else may be at work. */
export async function removeLocks(mirror: string): Promise<void> {
  const isLock = (name: string) => name.endsWith(".lock");
  await removeNamed(mirror, isLock, false);
  await removeNamed(join(mirror, "refs"), isLock, true);
  await removeNamed(join(mirror, "objects", "pack"), (name) => name.startsWith("tmp_"), false);
}

/**
 * Gives a mirror the configuration of one and nothing else: what others put there could run programs.
 * @param url where it is from, without secrets
 */
export async function writeConfig(mirror: string, url: string): Promise<void> {
  const path = join(mirror, "config");
  const isSha256 = /^[ \t]*objectformat[ \t]*=[ \t]*sha256[ \t\r]*$/im.test(
    await onDisk(path, () => readFile(path, "utf8")),
  );
  const text = [
    "[core]",
    `\trepositoryformatversion = ${isSha256 ? 1 : 0}`,
    "\tbare = true",
    ...(isSha256 ? ["[extensions]", "\tobjectformat = sha256"] : []),
    '[remote "origin"]',
    `\turl = "${url.replace(/[\\"]/g, "\\$&")}"`,
    "\tfetch = +refs/*:refs/*",
    "\tmirror = true",
    "",
  ].join("\n");
  const temporary = join(mirror, `config.${randomUUID()}.lock`); // goes with the other locks if this is killed
  await onDisk(path, () => writeFile(temporary, text));
  await onDisk(path, () => rename(temporary, path));
}

/** The bytes of all files in a folder. */
export async function folderBytes(path: string, signal: AbortSignal): Promise<number> {
  signal.throwIfAborted();
  let bytes = 0;
  const entries = await onDisk(path, () => readdir(path, { withFileTypes: true }));
  for (const entry of entries) {
    const below = join(path, entry.name);
    if (entry.isDirectory()) bytes += await folderBytes(below, signal);
    else if (entry.isFile()) bytes += (await onDisk(below, () => lstat(below))).size;
  }
  return bytes;
}

/** Removes a folder, whatever is in it. @throws DepsError `FILE_FAILED` */
export async function remove(path: string): Promise<void> {
  await onDisk(path, () => rm(path, { recursive: true, force: true, maxRetries: 3 }));
}

async function removeNamed(folder: string, isWanted: (name: string) => boolean, isDeep: boolean): Promise<void> {
  for (const entry of await onDisk(folder, () => readdir(folder, { withFileTypes: true }))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && isDeep) await removeNamed(path, isWanted, isDeep);
    else if (entry.isFile() && isWanted(entry.name)) await remove(path);
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

async function isOwn(path: string): Promise<boolean> {
  try {
    return !(await lstat(path)).isSymbolicLink();
  } catch {
    return false;
  }
}
