import {
  type Blob,
  type CallOptions,
  type Descriptor,
  type Digest,
  defaultMaxManifestBytes,
  digestAlgorithm,
  digestOf,
  type FetchBlobOptions,
  formatDigest,
  formatName,
  hashFor,
  isDigest,
  isRegistryError,
  type Manifest,
  type ManifestOptions,
  parseManifest,
  type ReferrersOptions,
  RegistryError,
  type RepositoryReader,
  sniffManifestMediaType,
  type Tag,
} from "@tranship/registry";
import type { LayoutIndex } from "./layout-index.ts";
import { readReferrers } from "./layout-referrers.ts";
import { notFound } from "./not-found.ts";

/** A part of a file on this machine, in bytes. */
export interface BlobPiece {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** Options of a reading in pieces. */
export type PiecesOptions = Pick<FetchBlobOptions, "allocate" | "signal">;

/** Where the files of one image layout lie: a directory, or a folder of a bundle's archives. */
export interface LayoutStorage {
  /** How messages name it. */
  readonly name: string;
  /** What its `index.json` says now; `undefined` when there is no such layout. */
  index(): LayoutIndex | undefined | Promise<LayoutIndex | undefined>;
  /** The size in bytes of a stored blob. */
  stat(digest: Digest): Promise<number | undefined>;
  /** Exactly `length` bytes of a stored blob, unchecked, in pieces the caller owns. */
  pieces(digest: Digest, offset: number, length: number, options?: PiecesOptions): AsyncIterable<Uint8Array>;
  /** Whether what is read of a blob has been hashed and was right. */
  isProven?(digest: Digest): boolean;
  /**
   * Where exactly the bytes of a stored blob are; where there are several copies, of the one that is read next. `undefined`
   * when they lie in no file.
   */
  places(digest: Digest): Promise<readonly BlobPiece[] | undefined>;
  /** How messages name the file of a blob; where there are several, the one that is read next. */
  fileOf(digest: Digest): string;
  /**
   * Told that the bytes of a file, as {@link fileOf} named it, are not the digest's: another one is read from now on.
   * Gives whether there is another.
   */
  damaged?(digest: Digest, file: string): boolean;
}

/** An image layout as a repository, wherever its files lie. */
export class LayoutContent implements RepositoryReader {
  readonly #storage: LayoutStorage;

  constructor(storage: LayoutStorage) {
    this.#storage = storage;
  }

  get name(): string {
    return this.#storage.name;
  }

  async resolve(reference: Tag | Digest, { signal }: CallOptions = {}): Promise<Descriptor | undefined> {
    signal?.throwIfAborted();
    const listed = (await this.#storage.index())?.find(reference);
    if (listed) return (await this.#storage.stat(listed.digest)) === undefined ? undefined : listed; // a name for nothing
    if (!isDigest(reference)) return undefined;
    return (await this.#unlisted(reference, defaultMaxManifestBytes, signal))?.descriptor;
  }

  async manifest(
    reference: Tag | Digest,
    { signal, maxBytes = defaultMaxManifestBytes }: ManifestOptions = {},
  ): Promise<Manifest> {
    signal?.throwIfAborted();
    const listed = (await this.#storage.index())?.find(reference);
    if (listed) return { descriptor: listed, bytes: await this.#readWhole(listed, maxBytes, signal) };
    const unlisted = isDigest(reference) ? await this.#unlisted(reference, maxBytes, signal) : undefined;
    if (!unlisted) throw notFound(this.name, reference);
    return unlisted;
  }

  async statBlob(digest: Digest, { signal }: CallOptions = {}): Promise<{ readonly size: number } | undefined> {
    signal?.throwIfAborted();
    const size = await this.#storage.stat(digest);
    return size === undefined ? undefined : { size };
  }

  /**
   * Where the bytes of a blob lie on this machine, in their order, for those who read and hash them there; `undefined` when
   * it is missing or lies in no file.
   * @throws RegistryError `SIZE_MISMATCH`
   */
  async filePieces({ digest, size }: Blob, { signal }: CallOptions = {}): Promise<readonly BlobPiece[] | undefined> {
    signal?.throwIfAborted();
    const stored = await this.#storage.stat(digest);
    if (stored === undefined) return undefined;
    if (stored !== size) throw this.#wrongSize(digest, size, stored);
    return await this.#storage.places(digest);
  }

  async *fetchBlob({ digest, size }: Blob, options: FetchBlobOptions = {}): AsyncGenerator<Uint8Array> {
    const { offset = 0, verify = true, allocate, signal } = options;
    signal?.throwIfAborted();
    const stored = await this.#storage.stat(digest);
    if (stored === undefined) throw notFound(this.name, digest);
    if (stored !== size) throw this.#wrongSize(digest, size, stored);
    const length = Math.max(0, Math.min(options.length ?? size, size - offset));
    const isWhole = offset === 0 && length === size;
    // hashed here although the caller does, or another copy would not be read in place of a damaged one
    const hash = isWhole && (verify || !this.#storage.isProven?.(digest)) ? hashFor(digest) : undefined;
    const file = this.#storage.fileOf(digest);
    for await (const piece of this.#storage.pieces(digest, offset, length, { allocate, signal })) {
      hash?.update(piece);
      yield piece;
    }
    const actual = hash && formatDigest(digestAlgorithm(digest), hash);
    if (actual === undefined || actual === digest) return;
    this.#storage.damaged?.(digest, file);
    throw wrongBytes(file, digest, actual);
  }

  async *tags({ signal }: CallOptions = {}): AsyncGenerator<Tag> {
    signal?.throwIfAborted();
    const index = await this.#storage.index();
    if (!index) throw notFound(this.name, "");
    for (const tag of index.tags.keys()) {
      signal?.throwIfAborted();
      yield tag;
    }
  }

  async *referrers(subject: Digest, options: ReferrersOptions = {}): AsyncGenerator<Descriptor> {
    options.signal?.throwIfAborted();
    yield* readReferrers(this, () => this.#storage.index(), subject, options);
  }

  /** A manifest that is stored but not listed, such as a child of an index. Its type is what it says of itself. */
  async #unlisted(digest: Digest, maxBytes: number, signal?: AbortSignal): Promise<Manifest | undefined> {
    const size = await this.#storage.stat(digest);
    if (size === undefined || size > Math.max(maxBytes, defaultMaxManifestBytes)) return undefined;
    const bytes = await this.#readWhole({ digest, size }, maxBytes, signal).catch((error: unknown) => {
      if (isRegistryError(error, "NOT_FOUND")) return undefined; // deleted since
      throw error;
    });
    if (!bytes) return undefined;
    const mediaType = sniffManifestMediaType(bytes);
    if (mediaType === undefined) return undefined;
    const manifest: Manifest = { descriptor: { mediaType, digest, size }, bytes };
    try {
      parseManifest(manifest); // an image's config has a `config` too: only the whole shape makes a manifest
      return manifest;
    } catch {
      return undefined;
    }
  }

  async #readWhole({ digest, size }: Blob, maxBytes: number, signal?: AbortSignal): Promise<Uint8Array> {
    if (size > maxBytes) {
      const reference = formatName(this.name, digest);
      const message = `cannot read ${reference}: it has ${size} bytes, allowed are ${maxBytes}`;
      throw new RegistryError("TOO_LARGE", message, { reference, limitBytes: maxBytes });
    }
    const stored = await this.#storage.stat(digest);
    if (stored === undefined) throw notFound(this.name, digest);
    if (stored !== size) throw this.#wrongSize(digest, size, stored);
    for (;;) {
      const bytes = new Uint8Array(size);
      const file = this.#storage.fileOf(digest);
      let done = 0;
      for await (const piece of this.#storage.pieces(digest, 0, size, { signal })) {
        bytes.set(piece, done);
        done += piece.byteLength;
      }
      const actual = digestOf(bytes, digestAlgorithm(digest));
      if (actual === digest) return bytes;
      if (!this.#storage.damaged?.(digest, file)) throw wrongBytes(file, digest, actual);
    }
  }

  #wrongSize(digest: Digest, expected: number, actual: number): RegistryError<"SIZE_MISMATCH"> {
    const reference = this.#storage.fileOf(digest);
    const message = `cannot use ${reference}: expected ${expected} bytes, it has ${actual}`;
    return new RegistryError("SIZE_MISMATCH", message, { reference, expected, actual });
  }
}

function wrongBytes(reference: string, expected: Digest, actual: Digest): RegistryError<"DIGEST_MISMATCH"> {
  const message = `cannot use ${reference}: its bytes hash to ${actual}`;
  return new RegistryError("DIGEST_MISMATCH", message, { reference, expected, actual });
}
