import { constants } from "node:fs";
import { copyFile, link, lstat, readlink, realpath, rm, stat, symlink } from "node:fs/promises";
import { dirname, isAbsolute, relative } from "node:path";
import { flushFolder } from "../../bundle/disk/sync-folder.ts";
import { linkFile, takeName, temporaryFor } from "../../layout/atomic-file.ts";
import { DepsError } from "../errors.ts";
import { onDisk, onDiskIfAny } from "../file-error.ts";
import { flushFile } from "../staging/partial-file.ts";

/** Makes `path`, a new name, lead to the file `content`. */
export type LinkMaker = (content: string, path: string) => Promise<void>;

/** What leads to a file, the best first: a relative symbolic link, a second name of the file, a copy. */
export const linkMakers: readonly LinkMaker[] = [
  async (content, path) => {
    const target = relative(await realpath(dirname(path)), await realpath(content));
    await symlink(target, path, "file");
  },
  link,
  async (content, path) => {
    await copyFile(content, path, constants.COPYFILE_FICLONE);
    await flushFile(path);
  },
];

/** What file systems answer that have no such link, or do not let this user make it. */
const refusals: ReadonlySet<string> = new Set([
  "EACCES",
  "EMLINK",
  "ENOSYS",
  "ENOTSUP",
  "EOPNOTSUPP",
  "EPERM",
  "EXDEV",
]);

/**
 * How a path leads to a file: by a relative symbolic link, as a second name of it, or maybe as another file, to be looked
 * into; else not.
 */
export async function howItLeads(path: string, content: string): Promise<"link" | "name" | "file" | undefined> {
  const found = await onDiskIfAny(path, () => lstat(path, { bigint: true }));
  if (found === undefined || !(found.isFile() || found.isSymbolicLink())) return undefined;
  if (found.isSymbolicLink() && isAbsolute(await onDisk(path, () => readlink(path)))) return undefined;
  const target = found.isFile()
    ? found
    : await onDiskIfAny(path, () => stat(path, { bigint: true })).catch(() => undefined);
  const wanted = await onDiskIfAny(content, () => stat(content, { bigint: true }));
  const isSame = target !== undefined && target.ino === wanted?.ino && target.dev === wanted.dev;
  if (found.isFile()) return isSame ? "name" : "file";
  return isSame ? "link" : undefined;
}

/**
 * Makes `path` lead to the file `content`, at once, in place of whatever file or link is there. Its folder is there.
 * @throws DepsError `FILE_FAILED` where a folder is in the way
 */
export async function placeLink(
  content: string,
  path: string,
  makers: readonly LinkMaker[] = linkMakers,
): Promise<void> {
  const found = await onDiskIfAny(path, () => lstat(path));
  if (found !== undefined && !found.isFile() && !found.isSymbolicLink()) {
    const message = `cannot write ${path}: something is there that is no file`;
    throw new DepsError("FILE_FAILED", message, { path, reason: found.isDirectory() ? "EISDIR" : "ENOTREG" });
  }
  await onDisk(path, async () => {
    const temporary = await temporaryFor(path);
    try {
      await make(content, temporary, makers);
      await takeName(temporary, path);
    } finally {
      await rm(temporary, { force: true }); // a rename to another name of the same file leaves both
    }
    await flushFolder(dirname(path));
  });
}

/**
 * Gives the file at `path` the name `content`, in place of whatever file is there: as a second name, or where files have
 * one, instead of its own.
 * @returns whether that can be done here
 */
export async function adoptFile(path: string, content: string): Promise<boolean> {
  await flushFile(path); // who wrote it need not have
  try {
    await linkFile(dirname(content), path, content, await temporaryFor(content));
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (await takeName(path, content).then(() => false, isRefusal)) return false;
  }
  await flushFolder(dirname(content));
  return true;
}

async function make(content: string, path: string, makers: readonly LinkMaker[]): Promise<void> {
  for (const [index, maker] of makers.entries()) {
    try {
      return await maker(content, path);
    } catch (error) {
      if (index === makers.length - 1 || !isRefusal(error)) throw error;
    }
  }
}

function isRefusal(error: unknown): boolean {
  return refusals.has((error as NodeJS.ErrnoException).code ?? "");
}
