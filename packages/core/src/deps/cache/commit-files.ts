import { dirname, join } from "node:path";
import * as z from "zod";
import { workFolder } from "../../bundle/bundle-lock.ts";
import { DepsError } from "../errors.ts";
import type { OnDepsEvent } from "../events.ts";
import { fileError } from "../file-error.ts";
import type { CacheFolder } from "./cache-folder.ts";
import { type CommitDisk, kindOf, localDisk } from "./commit-disk.ts";
import { requireInside } from "./commit-paths.ts";
import { readOwnFile, requireVersion } from "./own-file.ts";

/** A file that a commit puts in place. */
export interface CommittedFile {
  /** Relative to the cache, with `/` between the names. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

const recordVersion = 1;
const recordFile = z.object({ version: z.literal(recordVersion), paths: z.array(z.string().min(1)).readonly() });

/**
 * Puts several files in place: after a stop at any moment, {@link finishCommit} leads to all of them or none. They are
 * written aside, then a record says what goes where; from then on it is done, whoever does it.
 * @throws DepsError `FILE_FAILED`, `NO_SPACE`, `NAME_UNSAFE`, `PATH_CONFLICT`
 */
export async function commitFiles(
  folder: CacheFolder,
  files: readonly CommittedFile[],
  disk: CommitDisk = localDisk,
): Promise<void> {
  await finishCommit(folder, { disk });
  const { staged, record, work } = placesOf(folder);
  await disk.makeFolder(staged);
  for (const [index, { path, bytes }] of files.entries()) {
    if (files.findIndex((file) => file.path === path) !== index) throw twice(path);
    await requireInside(folder, path);
    await disk.makeFolder(dirname(join(folder.path, path)));
    await requireNoFolder(join(folder.path, path));
    await disk.write(join(staged, String(index)), bytes);
  }
  await disk.sync(staged);
  const text = JSON.stringify({ version: recordVersion, paths: files.map(({ path }) => path) });
  await disk.write(join(staged, "record"), Buffer.from(text));
  await disk.rename(join(staged, "record"), record);
  await disk.sync(work);
  await finishCommit(folder, { disk });
}

/** Options of {@link finishCommit}. */
export interface FinishOptions {
  readonly disk?: CommitDisk | undefined;
  readonly onEvent?: OnDepsEvent | undefined;
}

/**
 * Carries out a commit that was recorded, and clears away one that was not.
 * @throws DepsError `FILE_FAILED`, `NO_SPACE`, `NAME_UNSAFE`, `CACHE_VERSION`
 */
export async function finishCommit(
  folder: CacheFolder,
  { disk = localDisk, onEvent }: FinishOptions = {},
): Promise<void> {
  const { staged, record, work } = placesOf(folder);
  const what = "the record of a change";
  const paths = await readOwnFile(record, (text) => parseRecord(text, record), { what, isReadOnly: false, onEvent });
  for (const [index, path] of (paths ?? []).entries()) {
    const from = join(staged, String(index));
    if ((await kindOf(from)) === undefined) continue; // it had been put in place
    await requireInside(folder, path);
    await disk.makeFolder(dirname(join(folder.path, path)));
    await disk.rename(from, join(folder.path, path));
  }
  if (paths) {
    for (const changed of foldersOf(paths)) await disk.sync(join(folder.path, changed));
    await disk.remove(record);
    await disk.sync(work);
  }
  if ((await kindOf(staged)) !== undefined) await disk.remove(staged);
}

/** Whether a commit was recorded and not carried out: some of its files are old yet. @throws DepsError `FILE_FAILED` */
export async function isMidCommit(folder: CacheFolder): Promise<boolean> {
  return (await kindOf(placesOf(folder).record)) === "file";
}

function placesOf(folder: CacheFolder) {
  const work = join(folder.path, workFolder);
  return { work, staged: join(work, "commit"), record: join(work, "commit.json") };
}

function parseRecord(text: string, path: string): readonly string[] {
  const json: unknown = JSON.parse(text);
  requireVersion(json, recordVersion, path);
  return recordFile.parse(json).paths;
}

/** The folders that hold these files, and those that hold them, up to the cache's own: any of them may be new. */
function foldersOf(paths: readonly string[]): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let folder = dirname(path); folder !== "."; folder = dirname(folder)) folders.add(folder);
    folders.add(".");
  }
  return folders;
}

async function requireNoFolder(path: string): Promise<void> {
  if ((await kindOf(path)) === "folder") throw fileError(Object.assign(new Error(), { code: "EISDIR" }), path);
}

function twice(path: string): DepsError<"PATH_CONFLICT"> {
  return new DepsError("PATH_CONFLICT", `${path} cannot be written twice in one change`, { path, items: [path, path] });
}
