import { RegistryError } from "../errors.ts";
import type { Blob, Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestAlgorithm, digestOf } from "../oci/digest.ts";
import { defaultMaxManifestBytes, type Manifest } from "../oci/manifest.ts";
import { formatName, parseTag, type Tag } from "../oci/reference.ts";
import type {
  CallOptions,
  FetchBlobOptions,
  ManifestOptions,
  OpenBlob,
  PushBlobOptions,
  PushManifestOptions,
  PushOutcome,
  ReferrersOptions,
  RepositoryDeleter,
  RepositoryReader,
  RepositoryWriter,
} from "../repository.ts";
import { MemoryStore } from "./memory-store.ts";

const chunkBytes = 64 * 1024;

/**
 * One repository of a `MemoryRegistry`: there from its first content on, gone with its last; without tags it is there.
 * Readers, writers and deleters may share it.
 */
export class MemoryRepository implements RepositoryReader, RepositoryWriter, RepositoryDeleter {
  readonly name: string;
  readonly #path: string;
  readonly #stores: Map<string, MemoryStore>;

  constructor(name: string, path: string, stores: Map<string, MemoryStore>) {
    this.name = name;
    this.#path = path;
    this.#stores = stores;
  }

  async resolve(reference: Tag | Digest, { signal }: CallOptions = {}): Promise<Descriptor | undefined> {
    signal?.throwIfAborted();
    return this.#store?.find(reference)?.descriptor;
  }

  async manifest(reference: Tag | Digest, options: ManifestOptions = {}): Promise<Manifest> {
    options.signal?.throwIfAborted();
    const stored = this.#store?.find(reference);
    if (!stored) throw this.#notFound(reference);
    const limitBytes = options.maxBytes ?? defaultMaxManifestBytes;
    if (stored.bytes.byteLength <= limitBytes) return { ...stored, bytes: new Uint8Array(stored.bytes) };
    const name = formatName(this.name, reference);
    const message = `cannot read ${name}: it has ${stored.bytes.byteLength} bytes, allowed are ${limitBytes}`;
    throw new RegistryError("TOO_LARGE", message, { reference: name, limitBytes });
  }

  async statBlob(digest: Digest, { signal }: CallOptions = {}): Promise<{ readonly size: number } | undefined> {
    signal?.throwIfAborted();
    const stored = this.#store?.blobs.get(digest);
    return stored && { size: stored.byteLength };
  }

  /** Hashes nothing: what is stored matched its digest when it came in, and nobody else holds these bytes. */
  async *fetchBlob({ digest, size }: Blob, options: FetchBlobOptions = {}): AsyncGenerator<Uint8Array> {
    const { offset = 0, length = size, signal } = options;
    signal?.throwIfAborted();
    const stored = this.#store?.blobs.get(digest);
    if (!stored) throw this.#notFound(digest);
    if (stored.byteLength !== size) throw this.#wrongSize("fetch", digest, size, stored.byteLength);
    const end = Math.min(size, offset + length);
    for (let at = offset; at < end; at += chunkBytes) {
      signal?.throwIfAborted();
      yield stored.slice(at, Math.min(end, at + chunkBytes));
    }
  }

  async *tags({ signal }: CallOptions = {}): AsyncGenerator<Tag> {
    signal?.throwIfAborted();
    const store = this.#store;
    if (!store) throw this.#notFound("");
    for (const tag of [...store.tags.keys()].sort()) {
      signal?.throwIfAborted();
      yield tag;
    }
  }

  async *referrers(subject: Digest, { artifactType, signal }: ReferrersOptions = {}): AsyncGenerator<Descriptor> {
    signal?.throwIfAborted();
    for (const descriptor of this.#store?.referrers(subject) ?? []) {
      signal?.throwIfAborted();
      if (artifactType === undefined || descriptor.artifactType === artifactType) yield descriptor;
    }
  }

  async pushBlob(blob: Blob, open: OpenBlob, options: PushBlobOptions = {}): Promise<PushOutcome> {
    const { mountFrom = [], signal } = options;
    signal?.throwIfAborted();
    if (this.#store?.blobs.has(blob.digest)) return "present";
    for (const path of mountFrom) {
      const bytes = this.#stores.get(path)?.blobs.get(blob.digest);
      if (!bytes) continue;
      this.#existing().blobs.set(blob.digest, bytes); // nobody changes stored bytes, so repositories share them
      return "mounted";
    }
    this.#keep(blob, await this.#collect(blob, open, signal));
    return "written";
  }

  async pushManifest(manifest: Manifest, { tags = [], signal }: PushManifestOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    this.putManifest(manifest, tags);
  }

  async deleteTag(tag: Tag, { signal }: CallOptions = {}): Promise<boolean> {
    signal?.throwIfAborted();
    return this.#store?.tags.delete(tag) ?? false;
  }

  async deleteManifest(digest: Digest, { signal }: CallOptions = {}): Promise<boolean> {
    signal?.throwIfAborted();
    return this.#remove((store) => store.remove(digest));
  }

  async deleteBlob(digest: Digest, { signal }: CallOptions = {}): Promise<boolean> {
    signal?.throwIfAborted();
    return this.#remove((store) => store.blobs.delete(digest));
  }

  /**
   * Stores a blob at once; the bytes are copied.
   * @throws RegistryError `DIGEST_MISMATCH`, `SIZE_MISMATCH`
   */
  putBlob(blob: Blob, bytes: Uint8Array): void {
    this.#keep(blob, new Uint8Array(bytes));
  }

  /**
   * Stores a manifest and names it, at once; the bytes are copied. Its blobs and children need not be here.
   * @throws RegistryError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `INVALID_MANIFEST`, `INVALID_REFERENCE`
   */
  putManifest(manifest: Manifest, tags: readonly Tag[] = []): void {
    for (const tag of tags) parseTag(tag);
    this.#check(manifest.descriptor.digest, manifest.descriptor.size, manifest.bytes);
    const store = this.#store ?? new MemoryStore();
    store.put(manifest, tags);
    this.#stores.set(this.#path, store); // only now: a refused manifest makes no repository
  }

  get #store(): MemoryStore | undefined {
    return this.#stores.get(this.#path);
  }

  #existing(): MemoryStore {
    const store = this.#store ?? new MemoryStore();
    this.#stores.set(this.#path, store);
    return store;
  }

  /** Removes something from the repository, and the repository when that was the last in it. */
  #remove(from: (store: MemoryStore) => boolean): boolean {
    const store = this.#store;
    if (!store || !from(store)) return false;
    if (store.isEmpty) this.#stores.delete(this.#path);
    return true;
  }

  #keep({ digest, size }: Blob, bytes: Uint8Array): void {
    this.#check(digest, size, bytes);
    this.#existing().blobs.set(digest, bytes);
  }

  async #collect({ digest, size }: Blob, open: OpenBlob, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let received = 0;
    for await (const chunk of open(0)) {
      signal?.throwIfAborted();
      received += chunk.byteLength;
      if (received > size) throw this.#wrongSize("push", digest, size, received);
      chunks.push(new Uint8Array(chunk)); // the sender may reuse its buffer
    }
    signal?.throwIfAborted();
    const bytes = new Uint8Array(received);
    let at = 0;
    for (const chunk of chunks) {
      bytes.set(chunk, at);
      at += chunk.byteLength;
    }
    return bytes;
  }

  #check(digest: Digest, size: number, bytes: Uint8Array): void {
    if (bytes.byteLength !== size) throw this.#wrongSize("push", digest, size, bytes.byteLength);
    const actual = digestOf(bytes, digestAlgorithm(digest));
    if (actual === digest) return;
    const reference = formatName(this.name, digest);
    const message = `cannot push ${digest} to ${this.name}: its bytes hash to ${actual}`;
    throw new RegistryError("DIGEST_MISMATCH", message, { reference, expected: digest, actual });
  }

  #wrongSize(verb: string, digest: Digest, expected: number, actual: number): RegistryError<"SIZE_MISMATCH"> {
    const reference = formatName(this.name, digest);
    const message = `cannot ${verb} ${reference}: expected ${expected} bytes, got ${actual}`;
    return new RegistryError("SIZE_MISMATCH", message, { reference, expected, actual });
  }

  #notFound(reference: Tag | Digest): RegistryError<"NOT_FOUND"> {
    const what = reference === "" ? this.name : formatName(this.name, reference);
    return new RegistryError("NOT_FOUND", `${what} is not there`, { registry: this.name, reference });
  }
}
