import { resolve } from "node:path";
import { type Digest, digestOf } from "@tranship/registry";
import { requireSpaceIn } from "../../bundle/disk/local-error.ts";
import type { TarEntry } from "../../bundle/tar/tar-reader.ts";
import type { DepsCache } from "../cache/deps-cache.ts";
import { DepsError } from "../errors.ts";
import type { OnDepsEvent } from "../events.ts";
import { readJson } from "../json.ts";
import { ArchiveNames, type ArchivePlace } from "./archive-names.ts";
import { ArchiveProgress } from "./archive-progress.ts";
import { ArchiveReader } from "./archive-reader.ts";
import { CacheTree, type CacheTreeOptions } from "./cache-tree.ts";
import { withDiskErrors } from "./disk-errors.ts";
import {
  type ExportedFile,
  type ExportedItem,
  type ExportFile,
  invalidArchive,
  parseExportFile,
} from "./export-file.ts";
import { ImportedFiles } from "./imported-files.ts";
import { type ArchivedIndex, mergeIndex, readArchivedIndex } from "./imported-index.ts";
import { ImportedMirrors } from "./imported-mirrors.ts";

/** The largest manifest taken over, in bytes. */
const maxManifestBytes = 16 * 1024 * 1024;

/** The largest index of an image layout taken over, in bytes. */
const maxIndexBytes = 16 * 1024 * 1024;

/** What is held until all files are there, in bytes. */
const maxHeldBytes = 256 * 1024 * 1024;

/** Options of {@link importCache}. */
export interface ImportCacheOptions extends CacheTreeOptions {
  /** What {@link ExportReport.pin} said: another archive is refused. @defaultValue any is taken over */
  readonly pin?: Digest | undefined;
  /** Reads all that was taken over once more, from the disk. @defaultValue `false` */
  readonly isDeep?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told `started`, `progress` and `done` or `failed` of one item called `archive`. */
  readonly onEvent?: OnDepsEvent | undefined;
}

/** What {@link importCache} took over; plain data. */
export interface ImportReport {
  readonly items: readonly ExportedItem[];
  /** Files, also those with several names, that were written. */
  readonly written: number;
  /** Files that were there. */
  readonly present: number;
  /** The bytes of all of them. */
  readonly bytes: number;
  /** What the archive was, to be compared with what was exported. */
  readonly pin: Digest;
}

/**
 * Takes over an archive that {@link exportCache} wrote. What is in it is not trusted: each name is one that a cache has, there
 * are files only, each hashes to what the list in it says, and files called by a digest to that too. Nothing is run, nothing
 * lands outside of the cache and its image store, and of git mirrors no settings or hooks are taken over. What is there is
 * passed over, so that an import that was ended goes on; manifests come last, all at once. Entries of image layouts are added to those that are there.
 *
 * An archive says of itself what its manifests are: whether to believe it, only {@link ImportCacheOptions.pin} or the way it came tells.
 * @param cache open for writing, with the image store beside it, if there is one, among its other folders
 * @throws DepsError `ARCHIVE_INVALID`, `PIN_MISMATCH`, `NO_SPACE` (before anything is written), `FILE_FAILED`, `INCOMPLETE`
 */
export async function importCache(
  path: string,
  cache: DepsCache,
  options: ImportCacheOptions = {},
): Promise<ImportReport> {
  const { pin, signal = new AbortController().signal, onEvent } = options;
  const archive = resolve(path);
  return await withDiskErrors(archive, async () => {
    signal.throwIfAborted();
    await using reader = await ArchiveReader.open(archive, signal);
    const head = await reader.readHead();
    const actual = digestOf(head, "sha256");
    if (pin !== undefined && pin !== actual) {
      const message = `cannot take over ${archive}: it is ${actual}, not ${pin}`;
      throw new DepsError("PIN_MISMATCH", message, { manifest: archive, expected: pin, actual });
    }
    const content = parseExportFile(head, archive);
    const plan = planImport(reader, content, await CacheTree.open(cache.path, options));
    const files = new ImportedFiles(cache, reader, signal);
    requireSpaceIn(cache.path, await files.missingBytes(plan.files));
    const bytes = content.files.reduce((sum, { size }) => sum + size, 0);
    const progress = new ArchiveProgress(archive, bytes, onEvent);
    await progress.run(async () => {
      await takeOver(plan, content, { cache, reader, files, pin: actual, progress, signal });
      if (options.isDeep === true) await files.verify();
    }, signal);
    const { written, present } = files;
    return { items: content.items, written, present, bytes, pin: actual };
  });
}

/** A file of an archive, and where it goes. */
export interface PlannedFile {
  readonly file: ExportedFile;
  readonly entry: TarEntry;
  readonly place: ArchivePlace;
}

interface ImportPlan {
  readonly files: readonly PlannedFile[];
  readonly copies: readonly { readonly place: ArchivePlace; readonly of: PlannedFile }[];
  readonly links: readonly { readonly path: string; readonly target: string }[];
}

/** Checks every name before anything is written. @throws DepsError `ARCHIVE_INVALID` */
function planImport(reader: ArchiveReader, content: ExportFile, tree: CacheTree): ImportPlan {
  const names = new ArchiveNames(tree, reader.path, content.mirrors);
  const entries = reader.placesOf(content.files);
  const files = content.files.map((file, at) => ({
    file,
    entry: entries[at] as TarEntry,
    place: names.fileAt(file.path),
  }));
  const byName = new Map(files.map((one) => [one.file.path, one]));
  const copies = content.copies.map(({ path, of }) => {
    const place = names.fileAt(path);
    const from = byName.get(of);
    if (from?.place.kind === "file" && place.kind === "file") return { place, of: from };
    throw invalidArchive(reader.path, "it is no copy of a file that is there", path);
  });
  const copied = new Set(content.copies.map(({ path }) => path));
  const links = content.links.map(({ path, target }) => {
    if (!byName.has(target) && !copied.has(target))
      throw invalidArchive(reader.path, "it leads to nothing in the archive", path);
    return { path: names.linkAt(path, false), target: names.linkAt(target, true) };
  });
  return { files, copies, links };
}

interface TakingOver {
  readonly cache: DepsCache;
  readonly reader: ArchiveReader;
  readonly files: ImportedFiles;
  readonly pin: Digest;
  readonly progress: ArchiveProgress;
  readonly signal: AbortSignal;
}

async function takeOver(plan: ImportPlan, { state }: ExportFile, all: TakingOver): Promise<void> {
  const { cache, reader, files, pin, progress, signal } = all;
  const mirrors = new ImportedMirrors(cache, reader, pin, signal);
  const indexes: ArchivedIndex[] = [];
  const manifests: { readonly path: string; readonly bytes: Uint8Array }[] = [];
  let heldBytes = 0;
  const held = async ({ entry, file }: PlannedFile, maxBytes: number) => {
    heldBytes += entry.size;
    if (heldBytes > maxHeldBytes)
      throw invalidArchive(reader.path, "its manifests and indexes are too large", file.path);
    return await reader.readSmall(entry, file, maxBytes);
  };
  for (const one of plan.files) {
    signal.throwIfAborted();
    const { place, file } = one;
    if (place.kind === "file") await files.put(one, place);
    else if (place.kind === "mirror") await mirrors.put(one, place);
    else if (place.kind === "manifest") {
      const bytes = await held(one, maxManifestBytes);
      requireJson(bytes, reader.path, file.path);
      manifests.push({ path: place.path, bytes });
    } else if (place.kind === "index") {
      indexes.push(readArchivedIndex(place.layout, await held(one, maxIndexBytes), reader.path, file.path));
    }
    progress.add(file.size);
  }
  for (const { place, of } of plan.copies) if (place.kind === "file") await files.copy(of, place);
  for (const { path, target } of plan.links) await files.link(path, target);
  for (const index of indexes) await mergeIndex(index, reader.path);
  await mirrors.finish();
  signal.throwIfAborted();
  for (const { key, value } of state) {
    if (value === undefined) continue;
    cache.state.set(key, value);
    cache.state.delete(key.replace(/^manifest/, "local")); // what was a local one is not any more
  }
  await cache.commit(manifests);
}

function requireJson(bytes: Uint8Array, archive: string, entry: string): void {
  try {
    readJson(bytes, entry, maxManifestBytes);
  } catch (error) {
    throw invalidArchive(archive, error instanceof Error ? error.message : "it is no JSON", entry, error);
  }
}
