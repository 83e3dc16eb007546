import { type FileHandle, mkdir, open, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import {
  type Blob,
  type Descriptor,
  type Digest,
  digestAlgorithm,
  formatDigest,
  hashFor,
  RegistryError,
} from "@tranship/registry";
import { MirrorError } from "../errors.ts";
import { blobPath } from "../plan/section.ts";
import { identityOf, linkFile, local, localIfAny, removeStaleFiles, replaceFile, staleMs } from "./atomic-file.ts";
import { indexFileText, ociLayoutText, requireReadable } from "./index-file.ts";
import type { BlobPiece, LayoutStorage, PiecesOptions } from "./layout-content.ts";
import { layoutTagOf, withTagsMovedAndAllListed } from "./layout-entry.ts";
import { hasLayoutFile, type IndexFile, isReal, readIndexFile } from "./layout-files.ts";
import { LayoutIndex } from "./layout-index.ts";
import { notFound } from "./not-found.ts";
import { SubjectCache } from "./subject-cache.ts";

const pieceBytes = 128 * 1024;

/** So many tags are gathered at least before they are written. */
const fewTags = 1000;

/** Gives the entries an index is to have; the same list when nothing changes. */
type IndexChange = (index: LayoutIndex) => readonly Descriptor[];

interface WaitingChange {
  readonly next: IndexChange;
  readonly done: PromiseWithResolvers<void>;
}

interface KnownIndex {
  readonly index: LayoutIndex;
  readonly identity: string | undefined;
}

/**
 * The files of one image layout in a directory. Every file appears whole, under its name, or not at all. Changes that
 * other processes make are noticed; changes that two processes make at the same moment are not reconciled.
 */
export class LayoutDirectory implements LayoutStorage {
  readonly path: string;
  readonly name: string;
  readonly #followsLinks: boolean;
  /** What is known of the manifests' subjects, whatever becomes of the index. */
  readonly subjects: SubjectCache = new SubjectCache();
  #known: KnownIndex | undefined;
  #making: Promise<LayoutIndex> | undefined;
  #tidiedAtMs = Number.NEGATIVE_INFINITY;
  #waiting: WaitingChange[] = [];
  #writing: Promise<void> | undefined;
  /** Entries that take their tags when the index is next written. */
  #gathered: Descriptor[] = [];

  private constructor(path: string, followsLinks: boolean) {
    this.path = path;
    this.name = `oci:${path}`;
    this.#followsLinks = followsLinks;
  }

  /** Opens the layout at `path`, or makes an empty one. @throws MirrorError `LAYOUT_INVALID`, `NO_SPACE`, `FILE_FAILED` */
  static async open(path: string): Promise<LayoutDirectory> {
    const directory = new LayoutDirectory(resolve(path), true);
    await directory.#make();
    return directory;
  }

  /**
   * The layout at an absolute path without symbolic links, there or not: it is made with the first thing written. Links
   * at the path or below are refused with `LAYOUT_INVALID`. No I/O.
   */
  static at(path: string): LayoutDirectory {
    return new LayoutDirectory(path, false);
  }

  /** What the index said when it was last asked for. */
  get lastIndex(): LayoutIndex {
    return this.#known?.index ?? this.#indexOf([]);
  }

  /** What `index.json` says now, with all that was gathered: it is read again when its identity has changed. */
  async index(): Promise<LayoutIndex | undefined> {
    if (this.#gathered.length > 0) await this.writeTags();
    return await this.#indexNow();
  }

  async #indexNow(): Promise<LayoutIndex | undefined> {
    const known = this.#known;
    if (known?.identity !== undefined && known.identity === (await this.#identity())) return known.index;
    await this.#requireReal(this.path);
    if (!(await this.#isMarked())) return undefined;
    return this.#keep(known, (await this.#readIndex()) ?? { descriptors: [], identity: undefined });
  }

  async stat(digest: Digest): Promise<number | undefined> {
    const path = this.fileOf(digest);
    await this.#requireReal(path);
    const found = await localIfAny(path, () => stat(path));
    return found?.isFile() ? found.size : undefined;
  }

  async *pieces(
    digest: Digest,
    offset: number,
    length: number,
    { allocate = Buffer.allocUnsafeSlow, signal }: PiecesOptions = {},
  ): AsyncGenerator<Uint8Array> {
    const path = this.fileOf(digest);
    await this.#requireReal(path);
    const file = await localIfAny(path, () => open(path, "r"));
    if (!file) throw notFound(this.name, digest); // it may be deleted once its size is known
    try {
      for (let done = 0; done < length; ) {
        signal?.throwIfAborted();
        const piece = allocate(Math.min(pieceBytes, length - done));
        const { bytesRead } = await local(path, () => file.read(piece, 0, piece.byteLength, offset + done));
        if (bytesRead === 0) {
          throw new MirrorError("FILE_FAILED", `${path} got shorter while it was read`, { path, reason: "EOF" });
        }
        done += bytesRead;
        yield piece.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }

  async places(digest: Digest): Promise<readonly BlobPiece[] | undefined> {
    const length = await this.stat(digest);
    return length === undefined ? undefined : [{ path: this.fileOf(digest), offset: 0, length }];
  }

  fileOf(digest: Digest): string {
    return join(this.path, blobPath(digest));
  }

  /** Stores a blob; its bytes are hashed on their way. @throws RegistryError `DIGEST_MISMATCH`, `SIZE_MISMATCH` */
  async writeBlob({ digest, size }: Blob, bytes: AsyncIterable<Uint8Array>, signal?: AbortSignal): Promise<void> {
    const path = await this.#roomFor(digest);
    await replaceFile(this.path, path, async (file) => {
      const hash = hashFor(digest);
      let actual = 0;
      for await (const chunk of bytes) {
        signal?.throwIfAborted();
        actual += chunk.byteLength;
        if (actual > size) throw wrongSize(path, size, actual);
        hash.update(chunk);
        await local(path, () => writeAll(file, chunk));
      }
      if (actual !== size) throw wrongSize(path, size, actual);
      const found = formatDigest(digestAlgorithm(digest), hash);
      if (found === digest) return;
      const message = `cannot store ${path}: its bytes hash to ${found}`;
      throw new RegistryError("DIGEST_MISMATCH", message, { reference: path, expected: digest, actual: found });
    });
  }

  /**
   * Takes a blob over from another layout, if that has it: by a second name for its file, or where the file system has
   * no such thing by a copy, hashed on its way.
   */
  async linkBlob(blob: Blob, from: LayoutDirectory, signal?: AbortSignal): Promise<boolean> {
    if ((await from.stat(blob.digest)) !== blob.size) return false;
    const path = await this.#roomFor(blob.digest);
    try {
      await linkFile(this.path, from.fileOf(blob.digest), path);
    } catch {
      await this.writeBlob(blob, from.pieces(blob.digest, 0, blob.size, { signal }), signal);
    }
    return true;
  }

  /** Takes a whole file over as a blob: `move` puts it at the path it is given. What it holds is not looked at. */
  async adoptBlob(digest: Digest, move: (path: string) => Promise<void>): Promise<void> {
    await move(await this.#roomFor(digest));
  }

  /** Writes the layout's own files anew, whatever was there: for those that cannot be read. */
  async restore(descriptors: readonly Descriptor[]): Promise<void> {
    await this.#makeFolder(this.path);
    await this.#writeIndex(this.#indexOf(descriptors));
    await this.#write("oci-layout", [ociLayoutText]);
  }

  /** Removes the file of a blob. `false` when there was none. */
  async removeBlob(digest: Digest): Promise<boolean> {
    const path = this.fileOf(digest);
    await this.#requireReal(path);
    const removed = await localIfAny(path, async () => {
      await rm(path);
      return true;
    });
    return removed ?? false;
  }

  /**
   * Lets entries take their tags when the index is next written: by {@link writeTags}, when somebody reads or changes it, or
   * once half as many wait as it lists. So all that is ever written stays in proportion to what is listed in the end.
   */
  async gatherTags(entries: readonly Descriptor[]): Promise<void> {
    for (const entry of entries) this.#gathered.push(entry);
    if (this.#gathered.length >= Math.max(fewTags, this.lastIndex.descriptors.length / 2)) await this.writeTags();
  }

  /** Writes what was gathered; every manifest that it names, and that was listed before, stays listed. */
  async writeTags(): Promise<void> {
    const entries = this.#gathered;
    this.#gathered = [];
    if (entries.length > 0) await this.#change(({ descriptors }) => withTagsMovedAndAllListed(descriptors, entries));
    else await this.#writing; // what was gathered before is on its way
  }

  /** Changes the index. Changes are made in turn; those that wait while one is written go out in one file. */
  async change(next: IndexChange): Promise<void> {
    const gathered = this.#gathered.length > 0 ? this.writeTags() : undefined;
    await Promise.all([gathered, this.#change(next)]);
  }

  async #change(next: IndexChange): Promise<void> {
    const done = Promise.withResolvers<void>();
    this.#waiting.push({ next, done });
    this.#writing ??= this.#writeChanges().finally(() => {
      this.#writing = undefined;
    });
    await done.promise;
  }

  async #writeChanges(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      try {
        const before = (await this.#indexNow()) ?? (await this.#make());
        const { index, applied } = applyAll(before, batch, (entries) => this.#indexOf(entries));
        if (index !== before) await this.#writeIndex(index);
        for (const { done } of applied) done.resolve();
      } catch (error) {
        for (const { done } of batch) done.reject(error); // one that failed by itself knows already
      }
    }
  }

  async #writeIndex(index: LayoutIndex): Promise<void> {
    const text = readableIndexText(join(this.path, "index.json"), index.descriptors);
    const identity = await this.#write("index.json", text);
    this.#known = { index, identity };
  }

  /** The place of a blob's file, with the folders that lead there. */
  async #roomFor(digest: Digest): Promise<string> {
    if (!(await this.#indexNow())) await this.#make();
    await this.#tidy();
    const path = this.fileOf(digest);
    await this.#makeFolder(dirname(path));
    return path;
  }

  async #make(): Promise<LayoutIndex> {
    this.#making ??= this.#makeFiles().finally(() => {
      this.#making = undefined;
    });
    return await this.#making;
  }

  async #makeFiles(): Promise<LayoutIndex> {
    await this.#makeFolder(this.path);
    const isMarked = await this.#isMarked();
    const known = this.#known;
    const found = await this.#readIndex();
    if (!found) await this.#writeIndex(this.#indexOf([]));
    if (!isMarked) await this.#write("oci-layout", [ociLayoutText]);
    return found ? this.#keep(known, found) : this.lastIndex;
  }

  async #isMarked(): Promise<boolean> {
    await this.#requireReal(join(this.path, "oci-layout"));
    return await hasLayoutFile(this.path);
  }

  async #readIndex(): Promise<IndexFile | undefined> {
    await this.#requireReal(join(this.path, "index.json"));
    return await readIndexFile(this.path);
  }

  async #makeFolder(path: string): Promise<void> {
    if (!this.#followsLinks) {
      // No folder is made on the far side of a link: the nearest one that exists must be where it seems to be.
      for (let at = path; !(await isReal(this.path, at)); ) at = dirname(at);
    }
    await local(path, () => mkdir(path, { recursive: true }));
    await this.#requireReal(path);
  }

  /** Removes, once a day, what killed processes left: what was too young to go when a server started is old by then. */
  async #tidy(): Promise<void> {
    const nowMs = Date.now();
    if (nowMs - this.#tidiedAtMs < staleMs) return;
    this.#tidiedAtMs = nowMs;
    await removeStaleFiles(this.path, nowMs);
  }

  async #requireReal(path: string): Promise<void> {
    if (!this.#followsLinks) await isReal(this.path, path);
  }

  async #identity(): Promise<string | undefined> {
    const path = join(this.path, "index.json");
    const found = await localIfAny(path, () => stat(path, { bigint: true }));
    return found && identityOf(found);
  }

  /** Keeps what was read, unless something newer was learnt meanwhile. */
  #keep(before: KnownIndex | undefined, { descriptors, identity }: IndexFile): LayoutIndex {
    const index = this.#indexOf(descriptors);
    if (this.#known === before) this.#known = { index, identity };
    return index;
  }

  #indexOf(descriptors: readonly Descriptor[]): LayoutIndex {
    return new LayoutIndex(descriptors, layoutTagOf, this.subjects);
  }

  async #write(name: string, text: Iterable<string>): Promise<string> {
    const path = join(this.path, name);
    return await replaceFile(this.path, path, (file) => local(path, () => writeText(file, text)));
  }
}

/** The text of an index in pieces. @throws MirrorError `FILE_TOO_LARGE` once it is longer than anybody would read */
function* readableIndexText(path: string, descriptors: readonly Descriptor[]): Generator<string> {
  let bytes = 0;
  for (const piece of indexFileText(descriptors)) {
    bytes += Buffer.byteLength(piece);
    requireReadable(path, bytes);
    yield piece;
  }
}

/** The index after all changes; one that throws is told so, and leaves nothing behind. */
function applyAll(
  before: LayoutIndex,
  batch: readonly WaitingChange[],
  indexOf: (descriptors: readonly Descriptor[]) => LayoutIndex,
): { readonly index: LayoutIndex; readonly applied: readonly WaitingChange[] } {
  let index = before;
  const applied: WaitingChange[] = [];
  for (const change of batch) {
    try {
      const after = change.next(index);
      if (after !== index.descriptors) index = indexOf(after);
      applied.push(change);
    } catch (error) {
      change.done.reject(error);
    }
  }
  return { index, applied };
}

/** Writes pieces of text, through memory that is used again. */
async function writeText(file: FileHandle, pieces: Iterable<string>): Promise<void> {
  let bytes = Buffer.alloc(0);
  for (const piece of pieces) {
    const size = Buffer.byteLength(piece);
    if (size > bytes.byteLength) bytes = Buffer.allocUnsafeSlow(2 * size);
    await writeAll(file, bytes.subarray(0, bytes.write(piece)));
  }
}

async function writeAll(file: FileHandle, chunk: Uint8Array): Promise<void> {
  for (let done = 0; done < chunk.byteLength; ) {
    done += (await file.write(chunk, done, chunk.byteLength - done)).bytesWritten;
  }
}

function wrongSize(path: string, expected: number, actual: number): RegistryError<"SIZE_MISMATCH"> {
  const message = `cannot store ${path}: expected ${expected} bytes, got ${actual}`;
  return new RegistryError("SIZE_MISMATCH", message, { reference: path, expected, actual });
}
