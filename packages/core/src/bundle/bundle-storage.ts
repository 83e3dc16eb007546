import { type Digest, formatName, joinPath } from "@tranship/registry";
import { isMirrorError } from "../errors.ts";
import type { OnEvent } from "../events.ts";
import type { BlobPiece, LayoutStorage, PiecesOptions } from "../layout/layout-content.ts";
import type { LayoutIndex } from "../layout/layout-index.ts";
import { blobPath } from "../plan/section.ts";
import { type BlobCopy, digestOfCopy, entryInvalid, nameOf, type ProveOptions } from "./archive/blob-copy.ts";
import type { MergedArchives } from "./bundle-content.ts";

/** Reads blobs of a bundle: from another copy once one has proved damaged, wherever in the bundle it lies. */
export class BundleCopies {
  readonly #merged: MergedArchives;
  readonly #damaged = new Set<BlobCopy>();
  /** Copies whose bytes have been hashed: they serve every repository that has the blob. */
  readonly #proven = new Map<Digest, BlobCopy>();
  readonly #onEvent: OnEvent | undefined;

  constructor(merged: MergedArchives, onEvent?: OnEvent) {
    this.#merged = merged;
    this.#onEvent = onEvent;
  }

  /** The files of one repository's layout; `name` is how messages name it. */
  storage(name: string, path: string): LayoutStorage {
    return new BundleStorage(name, path, this);
  }

  indexOf(path: string): LayoutIndex | undefined {
    return this.#merged.repositories.get(path)?.index;
  }

  /** Whether the copy that is read of a blob has been hashed and was right. */
  isProven(digest: Digest): boolean {
    const proven = this.#proven.get(digest);
    return proven !== undefined && !this.#damaged.has(proven);
  }

  /** The copies that can serve a repository's blob, the one to read first; none where the repository does not have it. */
  of(path: string, digest: Digest): readonly BlobCopy[] {
    const own = this.#merged.repositories.get(path)?.blobs.get(digest) ?? [];
    const proven = this.#proven.get(digest);
    if (own.length > 0 && proven && !this.#damaged.has(proven)) return [proven];
    if (own.length === 0 || this.#damaged.size === 0) return own;
    const all = [...new Set([...own, ...(this.#merged.copies.get(digest) ?? [])])];
    return [...all.filter((copy) => !this.#damaged.has(copy)), ...all.filter((copy) => this.#damaged.has(copy))];
  }

  /** Every copy of what a repository has, for a reading that must go on when one cannot be read. */
  all(path: string, digest: Digest): readonly BlobCopy[] {
    return [...new Set([...this.of(path, digest), ...(this.#merged.copies.get(digest) ?? [])])];
  }

  /**
   * Hashes a repository's blob, copy after copy until one is right: that one is read from now on.
   * @throws MirrorError `ARCHIVE_INVALID` when none is
   */
  async prove(path: string, digest: Digest, options: ProveOptions): Promise<void> {
    if (this.#proven.has(digest)) return;
    for (const copy of this.all(path, digest)) {
      const fault = await faultOf(copy, digest, options);
      if (fault === undefined) {
        this.#proven.set(digest, copy);
        return;
      }
      if (!this.refuse(path, digest, copy, fault)) throw entryInvalid(copy, fault);
    }
  }

  /** Reads no longer from a copy first. Gives whether another one is left. */
  refuse(path: string, digest: Digest, refused: BlobCopy, reason: string): boolean {
    const isNew = !this.#damaged.has(refused);
    this.#damaged.add(refused);
    const next = this.of(path, digest).find((copy) => !this.#damaged.has(copy));
    if (next && isNew) {
      const message = `${nameOf(refused)} is damaged (${reason}); ${nameOf(next)} is used`;
      this.#onEvent?.({ type: "warning.raised", code: "COPY_DAMAGED", message, reference: formatName(path, digest) });
    }
    return next !== undefined;
  }
}

class BundleStorage implements LayoutStorage {
  readonly name: string;
  readonly #path: string;
  readonly #copies: BundleCopies;

  constructor(name: string, path: string, copies: BundleCopies) {
    this.name = name;
    this.#path = path;
    this.#copies = copies;
  }

  index(): LayoutIndex | undefined {
    return this.#copies.indexOf(this.#path);
  }

  async stat(digest: Digest): Promise<number | undefined> {
    return this.#copies.of(this.#path, digest)[0]?.entry.size;
  }

  /** Equal digests are equal bytes: a copy that cannot be read any further gives way to the next one. */
  async *pieces(
    digest: Digest,
    offset: number,
    length: number,
    options: PiecesOptions = {},
  ): AsyncGenerator<Uint8Array> {
    if (this.#copies.of(this.#path, digest).length === 0) return;
    let done = 0;
    for (const copy of this.#copies.all(this.#path, digest)) {
      try {
        for await (const piece of copy.archive.pieces(copy.entry, offset + done, length - done, options)) {
          done += piece.byteLength;
          yield piece;
        }
        return;
      } catch (error) {
        options.signal?.throwIfAborted();
        if (!isMirrorError(error) || !this.#copies.refuse(this.#path, digest, copy, error.message)) throw error;
      }
    }
  }

  isProven(digest: Digest): boolean {
    return this.#copies.isProven(digest);
  }

  async places(digest: Digest): Promise<readonly BlobPiece[] | undefined> {
    const copy = this.#copies.of(this.#path, digest)[0];
    return copy && (await copy.archive.places(copy.entry));
  }

  fileOf(digest: Digest): string {
    const copy = this.#copies.of(this.#path, digest)[0];
    return copy ? nameOf(copy) : joinPath(this.#path, blobPath(digest));
  }

  damaged(digest: Digest, file: string): boolean {
    const copy = this.#copies.all(this.#path, digest).find((one) => nameOf(one) === file);
    return copy !== undefined && this.#copies.refuse(this.#path, digest, copy, "its bytes are not what its name says");
  }
}

/** What is wrong with the bytes of a copy, or `undefined`. */
async function faultOf(copy: BlobCopy, digest: Digest, options: ProveOptions): Promise<string | undefined> {
  try {
    const actual = await digestOfCopy(copy, digest, options);
    return actual === digest ? undefined : `its bytes hash to ${actual}`;
  } catch (error) {
    options.signal?.throwIfAborted();
    if (!isMirrorError(error)) throw error;
    return error.message;
  }
}
