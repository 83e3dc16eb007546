import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { MirrorError } from "../../errors.ts";
import { compareText } from "../../layout/index-file.ts";
import { localError } from "../disk/local-error.ts";
import { archiveInvalid } from "../tar/tar-reader.ts";
import { parseArchiveFileName } from "./archive-names.ts";

/** An archive of a bundle: its name, and the files that make it up in order (one, or its chunks). */
export interface FoundArchive {
  /** Its file's name, such as `package-console.tar`, also where it is split into chunks. */
  readonly archive: string;
  /** The folder it lies in. */
  readonly directory: string;
  readonly paths: readonly string[];
}

interface Files {
  whole?: string;
  readonly chunks: Map<number, string>;
}

/**
 * The archives directly in a directory, by name. Links to files are followed; hidden files are not looked at: some systems
 * leave `._platform.tar` beside `platform.tar`.
 * @throws MirrorError `BUNDLE_NOT_FOUND`, `ARCHIVE_INVALID`, `FILE_FAILED`
 */
export async function findArchives(directory: string): Promise<readonly FoundArchive[]> {
  return await archivesIn(directory, (name) => !name.startsWith("."));
}

/**
 * One archive of a directory, whole or in chunks; `undefined` when there is none of that name.
 * @throws MirrorError `BUNDLE_NOT_FOUND`, `ARCHIVE_INVALID`, `FILE_FAILED`
 */
export async function findArchive(directory: string, archive: string): Promise<FoundArchive | undefined> {
  const [found] = await archivesIn(directory, (_name, of) => of === archive);
  return found;
}

async function archivesIn(
  directory: string,
  isWanted: (name: string, archive: string) => boolean,
): Promise<readonly FoundArchive[]> {
  const byArchive = new Map<string, Files>();
  for (const entry of await listDirectory(directory)) {
    const { archive, chunk } = parseArchiveFileName(entry.name) ?? {};
    if (archive === undefined || !isWanted(entry.name, archive)) continue;
    const path = join(directory, entry.name);
    if (!entry.isFile() && !(entry.isSymbolicLink() && (await isFile(path)))) continue;
    const files: Files = byArchive.get(archive) ?? { chunks: new Map() };
    byArchive.set(archive, files);
    if (chunk === undefined) files.whole = path;
    else if (files.chunks.has(chunk)) throw archiveInvalid(archive, `chunk ${chunk} is there twice`);
    else files.chunks.set(chunk, path);
  }
  return [...byArchive]
    .map(([archive, files]) => ({ archive, directory, paths: pathsOf(archive, files) }))
    .sort((a, b) => compareText(a.archive, b.archive));
}

function pathsOf(archive: string, { whole, chunks }: Files): readonly string[] {
  if (whole === undefined) return inOrder(archive, chunks);
  if (chunks.size === 0) return [whole];
  throw archiveInvalid(archive, "it is there whole and in chunks; one of them is out of date");
}

function inOrder(archive: string, chunks: ReadonlyMap<number, string>): readonly string[] {
  return Array.from({ length: chunks.size }, (_, at) => {
    const path = chunks.get(at);
    if (path === undefined) throw archiveInvalid(archive, `chunk ${String(at).padStart(4, "0")} is missing`);
    return path;
  });
}

async function listDirectory(directory: string): Promise<readonly Dirent[]> {
  try {
    const entries = await readdir(directory, { withFileTypes: true });
    return entries.sort((a, b) => compareText(a.name, b.name));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENOENT" && code !== "ENOTDIR") throw localError(error, directory);
    const message = `there is no bundle at ${directory}`;
    throw new MirrorError("BUNDLE_NOT_FOUND", message, { bundle: directory }, { cause: error });
  }
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    throw localError(error, path);
  }
}
