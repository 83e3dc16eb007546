import { link, mkdir, open, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { syncFolder } from "../../bundle/disk/sync-folder.ts";
import { RootfsError } from "../errors.ts";
import { fileError } from "../file-error.ts";
import { requireArtifactId } from "./artifact-id.ts";
import { copyHashed, type HashedFile } from "./copy-hashed.ts";
import {
  currentPath,
  generationFolder,
  isPublishedIn,
  otherPublished,
  partialPath,
  statAt,
} from "./published-files.ts";

/** Which file of an artifact is meant. */
export interface PublishTarget {
  /** The artifact's folder in the store, see `resolveArtifactStoreDir`. */
  readonly store: string;
  /** Counts the builds of the artifact. @defaultValue 1 */
  readonly generation?: number | undefined;
}

/** Options of {@link publishExt4}. */
export interface PublishOptions extends PublishTarget {
  /** What the file hashes to: 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /**
   * Whether the file is given away: within one file system it is then renamed, and gone from where it was.
   * @defaultValue false, it is copied
   */
  readonly takesFile?: boolean | undefined;
  /**
   * Whether the hash was made of the bytes as they were written: a file that is only renamed is then not read again.
   * @defaultValue false
   */
  readonly isProven?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A file that readers of the store can have. */
export interface PublishedExt4 extends HashedFile {
  /** Never another file under this name. */
  readonly path: string;
  /** `<id>.ext4` in the artifact's folder: the newest file, whichever it is. */
  readonly currentPath: string;
  /** Published files of the artifact that were there before; {@link removePublishedExt4} takes them away. */
  readonly others: readonly string[];
}

/**
 * Puts a finished image into the store, as `generations/<generation>/<sha256>.ext4` and, a second name for it, `<id>.ext4`.
 * Readers see what was there before, or all of the new file; a failure or an abort leaves the former, and nothing else.
 * @throws RootfsError `ARTIFACT_MISMATCH` when the file hashes to something else, `FILE_FAILED`, `NO_SPACE`
 */
export async function publishExt4(file: string, options: PublishOptions): Promise<PublishedExt4> {
  const { store, generation = 1, sha256, takesFile = false, signal } = options;
  requireArtifactId(basename(resolve(store)));
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw mismatch(file, sha256, "no sha256");
  const folder = generationFolder(store, generation);
  const path = join(folder, `${sha256}.ext4`);
  const current = currentPath(store);
  try {
    const wasThere = (await statAt(path)) !== undefined;
    const sizeBytes = await place(file, path, options);
    try {
      await giveName(path, current);
    } catch (error) {
      if (takesFile && !(await statAt(file))) await rename(path, file);
      else if (!wasThere) await rm(path, { force: true });
      throw error;
    }
    for (const changed of [folder, dirname(folder), store, dirname(resolve(store))]) syncFolder(changed);
    return { path, currentPath: current, sha256, sizeBytes, others: await otherPublished(store, path) };
  } catch (error) {
    signal?.throwIfAborted();
    throw fileError(error, path);
  } finally {
    await removeIfEmpty(folder, dirname(folder));
  }
}

/**
 * Takes one published file away, and the artifact's current name if it is this file's. `false` when it was not there.
 * @throws RootfsError `ARTIFACT_MISMATCH` for a path that is none of this generation's; `FILE_FAILED`
 */
export async function removePublishedExt4(path: string, { store, generation = 1 }: PublishTarget): Promise<boolean> {
  requireArtifactId(basename(resolve(store)));
  const folder = generationFolder(store, generation);
  if (!isPublishedIn(path, store, generation)) throw mismatch(path, `a file in ${folder}`, "another path");
  try {
    const found = await statAt(path);
    if (!found?.isFile()) return false;
    const current = await statAt(currentPath(store));
    if (current?.ino === found.ino && current.dev === found.dev) await rm(currentPath(store), { force: true });
    await rm(path, { force: true });
    syncFolder(folder);
    syncFolder(store);
    await removeIfEmpty(folder, dirname(folder));
    return true;
  } catch (error) {
    throw fileError(error, path);
  }
}

/** Makes `path` the file, whole and on the device, or leaves it as it was. Gives its size in bytes. */
async function place(file: string, path: string, options: PublishOptions): Promise<number> {
  const { sha256, takesFile = false, isProven = false, signal } = options;
  signal?.throwIfAborted();
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const [from, to] = [await statAt(file), await statAt(folder)];
  if (takesFile && from?.isFile() && from.dev === to?.dev) {
    if (!isProven) requireHash(file, sha256, await copyHashed(file, undefined, signal));
    await using handle = await open(file, "r+");
    await handle.chmod(0o644);
    await handle.sync();
    signal?.throwIfAborted();
    await rename(file, path);
    return from.size;
  }
  const { sizeBytes } = await copy(file, path, sha256, signal);
  if (takesFile) await rm(file, { force: true });
  return sizeBytes;
}

async function copy(file: string, path: string, sha256: string, signal?: AbortSignal): Promise<HashedFile> {
  const partial = partialPath(dirname(path));
  try {
    await using to = await open(partial, "wx", 0o644);
    const copied = await copyHashed(file, to, signal);
    requireHash(file, sha256, copied);
    await to.sync();
    signal?.throwIfAborted();
    await rename(partial, path);
    return copied;
  } finally {
    await rm(partial, { force: true });
  }
}

/** Gives the file a second name, in place of another file's; where the file system has no links, to a copy. */
async function giveName(path: string, current: string): Promise<void> {
  const partial = partialPath(dirname(current));
  try {
    try {
      await link(path, partial);
    } catch (error) {
      const { code = "" } = error as NodeJS.ErrnoException;
      if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(code)) throw error;
      await using to = await open(partial, "wx", 0o644);
      await copyHashed(path, to);
      await to.sync();
    }
    await rename(partial, current);
  } finally {
    await rm(partial, { force: true }); // renaming one name of a file to another of the same leaves both
  }
}

function requireHash(path: string, expected: string, { sha256 }: HashedFile): void {
  if (sha256 !== expected) throw mismatch(path, expected, sha256);
}

function mismatch(path: string, expected: string, actual: string): RootfsError<"ARTIFACT_MISMATCH"> {
  const message = `cannot use ${path} as an artifact: expected ${expected}, got ${actual}`;
  return new RootfsError("ARTIFACT_MISMATCH", message, { path, expected, actual });
}

/** Folders that were made for a file that is not there go again. */
async function removeIfEmpty(...folders: readonly string[]): Promise<void> {
  for (const folder of folders) await rmdir(folder).catch(() => {});
}
