import { setImmediate } from "node:timers/promises";
import {
  type Blob,
  type CallOptions,
  type Descriptor,
  type Digest,
  type FetchBlobOptions,
  type Manifest,
  type ReferrersOptions,
  RegistryError,
  type RepositoryReader,
  type Tag,
} from "@tranship/registry";
import type { LocalBlobs } from "../bundle/archive/local-blobs.ts";
import type { BlobLender } from "./layers/blob-lender.ts";
import type { SourceView } from "./planner.ts";
import { maxSmallBlobBytes } from "./small-blobs.ts";

/** A source repository whose manifests are asked once, and whose blobs are read from this machine where they are at hand. */
export class LocalFirstRepository implements RepositoryReader, BlobLender {
  readonly #source: RepositoryReader;
  readonly #view: SourceView;
  readonly #local: LocalBlobs | undefined;

  constructor(source: RepositoryReader, view: SourceView, local?: LocalBlobs) {
    this.#source = source;
    this.#view = view;
    this.#local = local;
  }

  get name(): string {
    return this.#source.name;
  }

  async resolve(reference: Tag | Digest): Promise<Descriptor | undefined> {
    return (await this.#view.manifest(this.#source, reference))?.descriptor;
  }

  async manifest(reference: Tag | Digest): Promise<Manifest> {
    const manifest = await this.#view.manifest(this.#source, reference);
    if (manifest) return manifest;
    throw new RegistryError("NOT_FOUND", `${reference} is not at ${this.name}`, { registry: this.name, reference });
  }

  statBlob(digest: Digest, options?: CallOptions): Promise<{ readonly size: number } | undefined> {
    return this.#source.statBlob(digest, options);
  }

  async *fetchBlob(blob: Blob, options: FetchBlobOptions = {}): AsyncGenerator<Uint8Array> {
    for await (const chunk of this.lendBlob(blob, options)) yield new Uint8Array(chunk);
  }

  async *lendBlob(blob: Blob, options: FetchBlobOptions = {}): AsyncGenerator<Uint8Array> {
    const { offset = 0, length = blob.size - offset, signal } = options;
    if (offset === 0 && length === blob.size && length <= maxSmallBlobBytes) {
      yield await this.#view.blob(this.#source, blob);
      return;
    }
    using local = await this.#local?.open(blob, signal);
    if (!local) {
      yield* this.#source.fetchBlob(blob, options);
      return;
    }
    let left = Math.max(0, Math.min(length, blob.size - offset));
    for (const piece of local.pieces(offset, left)) {
      signal?.throwIfAborted();
      left -= piece.byteLength;
      yield piece;
      await setImmediate(); // reads are synchronous: others want their turn
    }
    if (left === 0) return;
    const details = { reference: blob.digest, expected: blob.size, actual: blob.size - left };
    throw new RegistryError("SIZE_MISMATCH", `${blob.digest} was cut short on this machine`, details);
  }

  tags(options?: CallOptions): AsyncIterable<Tag> {
    return this.#source.tags(options);
  }

  referrers(subject: Digest, options?: ReferrersOptions): AsyncIterable<Descriptor> {
    return this.#source.referrers(subject, options);
  }
}
