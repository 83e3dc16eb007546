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
import { type LocalBlobs, readExtent } from "../bundle/local-blobs.ts";
import type { SourceView } from "./planner.ts";

/** A source repository whose blobs are read from this machine where they are at hand, and whose manifests are asked once. */
export class LocalFirstRepository implements RepositoryReader {
  readonly #source: RepositoryReader;
  readonly #view: SourceView;
  readonly #local: LocalBlobs;

  constructor(source: RepositoryReader, view: SourceView, local: LocalBlobs) {
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
    const { offset = 0, length = blob.size - offset, signal } = options;
    const extent = await this.#local.find(blob);
    if (!extent) {
      yield* this.#source.fetchBlob(blob, options);
      return;
    }
    const { path, offset: start } = extent;
    for (const piece of readExtent({ path, offset: start + offset, size: Math.min(length, blob.size - offset) })) {
      signal?.throwIfAborted();
      yield piece.slice();
    }
  }

  tags(options?: CallOptions): AsyncIterable<Tag> {
    return this.#source.tags(options);
  }

  referrers(subject: Digest, options?: ReferrersOptions): AsyncIterable<Descriptor> {
    return this.#source.referrers(subject, options);
  }
}
