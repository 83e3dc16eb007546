import { createHash, randomUUID } from "node:crypto";
import { type FileHandle, open, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type Digest, digestOf, parseDigest } from "@tranship/registry";
import { requireSpaceIn } from "../../bundle/disk/local-error.ts";
import { flushFolder } from "../../bundle/disk/sync-folder.ts";
import { encodeTarHeader, tarHeaderBytes, tarPadding, tarTrailerBytes } from "../../bundle/tar/tar-header.ts";
import { DepsError } from "../errors.ts";
import type { OnDepsEvent } from "../events.ts";
import { onDiskIfAny } from "../file-error.ts";
import type { DepsItem } from "../manifest.ts";
import { readKept } from "../podplane/manager/manifest-bytes.ts";
import { ArchiveProgress } from "./archive-progress.ts";
import { CacheTree, type CacheTreeOptions } from "./cache-tree.ts";
import { withDiskErrors } from "./disk-errors.ts";
import { type ExportedFile, type ExportFile, exportFileName, formatExportFile } from "./export-file.ts";
import { exportItems } from "./export-items.ts";
import { ExportList, type ExportSource } from "./export-list.ts";
import { itemsIn } from "./item-paths.ts";
import type { ReadableCache } from "./upkeep-cache.ts";

const pieceBytes = 1024 * 1024;

/** Options of {@link exportCache}. */
export interface ExportCacheOptions extends CacheTreeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told `started`, `progress` and `done` or `failed` of one item called `archive`. */
  readonly onEvent?: OnDepsEvent | undefined;
}

/** What {@link exportCache} wrote. */
export interface ExportReport {
  /** The archive. */
  readonly path: string;
  /** Its size, in bytes. */
  readonly bytes: number;
  /** How many files are in it. */
  readonly files: number;
  /** What tells this content from any other: whoever knows it can have the archive checked against it. */
  readonly pin: Digest;
}

/**
 * Writes these items, the manifests of the cache and what is known of them into one tar archive, for a machine without a
 * network. It begins with a list of all that is in it; content with several names is in it once. The same content gives the
 * same bytes, and any tool that reads tar archives can list them. Of image layouts it has what the items need, of git
 * mirrors what git needs to clone them. Every byte is hashed on its way: what is harmed in the cache is not written.
 * @param path the archive's file; it is replaced once the new one is whole, where it is a file
 * @throws DepsError `INCOMPLETE`, `SINK_UNSUITABLE`, `NO_SPACE` (before anything is written), `FILE_FAILED`
 */
export async function exportCache(
  cache: ReadableCache,
  items: readonly DepsItem[],
  path: string,
  options: ExportCacheOptions = {},
): Promise<ExportReport> {
  const { signal = new AbortController().signal, onEvent } = options;
  const named = resolve(path);
  return await withDiskErrors(named, async () => {
    signal.throwIfAborted();
    const target = await replaceable(named);
    const tree = await CacheTree.open(cache.path, options);
    const list = new ExportList(tree, signal);
    await exportItems(await itemsIn(tree, items), tree, list, { contents: cache.contents, signal });
    const state = [...cache.state.entries("manifest/")].map(([key, value]) => ({ key, value }));
    await addUpstream(tree, list, state);
    const { content, sources } = list.finish(items, state);
    const head = formatExportFile(content);
    const total = archiveBytes(head, content);
    requireSpaceIn(dirname(target), total);
    const progress = new ArchiveProgress(target, total, onEvent);
    await progress.run(() => writeArchive(target, head, sources, { signal, progress }), signal);
    return { path: target, bytes: total, files: sources.length, pin: digestOf(head, "sha256") };
  });
}

/**
 * The file that is to be replaced, where symbolic links lead to one. Devices, pipes and folders stay what they are.
 * @throws DepsError `FILE_FAILED`
 */
async function replaceable(path: string): Promise<string> {
  const found = await onDiskIfAny(path, () => stat(path));
  if (found === undefined) return path;
  if (found.isFile()) return await realpath(path);
  const reason = found.isDirectory() ? "it is a folder" : "it is no file";
  throw new DepsError("FILE_FAILED", `cannot write ${path}: ${reason}`, { path, reason });
}

/** Adds manifests as they came, as far as what is known of manifests names them. */
async function addUpstream(tree: CacheTree, list: ExportList, state: ExportFile["state"]): Promise<void> {
  const digests = new Set(JSON.stringify(state).match(/sha(?:256:[0-9a-f]{64}|512:[0-9a-f]{128})\b/g));
  for (const folder of tree.of("upstream"))
    for (const digest of [...digests].sort()) {
      const name = `${digest.replace(":", "/")}.json`;
      const bytes = await readKept(tree.workFolder, parseDigest(digest));
      if (bytes !== undefined) list.addBytes(`${folder.name}/${name}`, bytes);
    }
}

function archiveBytes(head: Uint8Array, { files }: ExportFile): number {
  const entryBytes = (path: string, size: number) => tarHeaderBytes(path) + size + tarPadding(size);
  const first = entryBytes(exportFileName, head.byteLength);
  return files.reduce((sum, { path, size }) => sum + entryBytes(path, size), first) + tarTrailerBytes;
}

interface Writing {
  readonly signal: AbortSignal;
  readonly progress: ArchiveProgress;
}

async function writeArchive(
  target: string,
  head: Uint8Array,
  sources: readonly (ExportedFile & { readonly source: ExportSource })[],
  writing: Writing,
): Promise<void> {
  const temporary = join(dirname(target), `.${randomUUID()}.tmp`);
  const file = await open(temporary, "wx");
  try {
    try {
      const put = async (bytes: Uint8Array) => {
        for (let done = 0; done < bytes.byteLength; )
          done += (await file.write(bytes, done, bytes.byteLength - done)).bytesWritten;
        writing.progress.add(bytes.byteLength);
      };
      await put(encodeTarHeader(exportFileName, head.byteLength));
      await put(head);
      await put(new Uint8Array(tarPadding(head.byteLength)));
      for (const one of sources) {
        await put(encodeTarHeader(one.path, one.size));
        if ("bytes" in one.source) await put(one.source.bytes);
        else await copyChecked(one, one.source.file, put, writing.signal);
        await put(new Uint8Array(tarPadding(one.size)));
      }
      await put(new Uint8Array(tarTrailerBytes));
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
    await flushFolder(dirname(target));
  } finally {
    await rm(temporary, { force: true }); // it is gone if all went well
  }
}

async function copyChecked(
  { path, size, sha256 }: ExportedFile,
  from: string,
  put: (bytes: Uint8Array) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const file: FileHandle = await open(from, "r");
  try {
    const hash = createHash("sha256");
    const buffer = Buffer.allocUnsafeSlow(Math.min(pieceBytes, Math.max(1, size)));
    for (let done = 0; done < size; ) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.byteLength, size - done), done);
      if (bytesRead === 0) throw harmed(path, from);
      const piece = buffer.subarray(0, bytesRead);
      hash.update(piece);
      await put(piece);
      done += bytesRead;
    }
    if (hash.digest("hex") !== sha256) throw harmed(path, from);
  } finally {
    await file.close();
  }
}

function harmed(name: string, path: string): DepsError<"INCOMPLETE"> {
  const message = `cannot export ${name}: ${path} is harmed, or was changed meanwhile`;
  return new DepsError("INCOMPLETE", message, { item: name, path });
}
