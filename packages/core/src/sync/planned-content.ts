import {
  type Blob,
  type CallOptions,
  type Descriptor,
  type Digest,
  type FetchBlobOptions,
  isDigest,
  isManifestMediaType,
  type Manifest,
  type ReferrersOptions,
  RegistryError,
  type RepositoryReader,
  type Tag,
} from "@tranship/registry";
import type { LayoutIndex } from "../layout/layout-index.ts";
import { readReferrers } from "../layout/layout-referrers.ts";
import type { SourceView } from "../plan/planner.ts";
import type { PlannedBlob } from "../plan/section.ts";

/** Something of a plan, and the repository it is read from. */
export interface PlannedPiece {
  readonly blob: PlannedBlob;
  readonly home: RepositoryReader;
}

/** What a run that planned has at hand of the source. */
export type PlannedView = Pick<SourceView, "manifest" | "heldBlob">;

/** What a {@link PlannedContent} is made of. */
export interface PlannedContentParts {
  /** How messages name it: the repository at the source. */
  readonly name: string;
  readonly index: LayoutIndex;
  readonly pieces: ReadonlyMap<Digest, PlannedPiece>;
  readonly view: PlannedView;
}

/** One repository of a plan: the tags are the plan's, the bytes the source's. */
export class PlannedContent implements RepositoryReader {
  readonly name: string;
  readonly #index: LayoutIndex;
  readonly #pieces: ReadonlyMap<Digest, PlannedPiece>;
  readonly #view: PlannedView;
  readonly #given = new Set<Digest>();

  constructor({ name, index, pieces, view }: PlannedContentParts) {
    this.name = name;
    this.#index = index;
    this.#pieces = pieces;
    this.#view = view;
  }

  async resolve(reference: Tag | Digest, { signal }: CallOptions = {}): Promise<Descriptor | undefined> {
    signal?.throwIfAborted();
    const listed = this.#index.find(reference);
    if (listed || !isDigest(reference)) return listed;
    const blob = this.#pieces.get(reference)?.blob;
    return blob && isManifestMediaType(blob.mediaType) ? blob : undefined;
  }

  async manifest(reference: Tag | Digest, options?: CallOptions): Promise<Manifest> {
    const descriptor = await this.resolve(reference, options);
    const home = descriptor && this.#pieces.get(descriptor.digest)?.home;
    const manifest = home && (await this.#view.manifest(home, descriptor.digest));
    if (!manifest) throw this.#notFound(reference);
    return { descriptor, bytes: manifest.bytes };
  }

  async statBlob(digest: Digest, { signal }: CallOptions = {}): Promise<{ readonly size: number } | undefined> {
    signal?.throwIfAborted();
    const size = this.#pieces.get(digest)?.blob.size;
    return size === undefined ? undefined : { size };
  }

  async *fetchBlob(blob: Blob, options: FetchBlobOptions = {}): AsyncGenerator<Uint8Array> {
    const piece = this.#pieces.get(blob.digest);
    if (!piece) throw this.#notFound(blob.digest);
    const { offset = 0, length = blob.size } = options;
    const held = await this.#heldOnce(blob);
    if (held)
      yield new Uint8Array(held.subarray(offset, offset + length)); // a copy: others are given the same
    else yield* piece.home.fetchBlob(blob, options);
  }

  async *tags({ signal }: CallOptions = {}): AsyncGenerator<Tag> {
    for (const tag of this.#index.tags.keys()) {
      signal?.throwIfAborted();
      yield tag;
    }
  }

  referrers(subject: Digest, options: ReferrersOptions = {}): AsyncIterable<Descriptor> {
    return readReferrers(this, () => this.#index, subject, options);
  }

  /** What was read to plan by. If that is not the blob, the next reading asks the source. */
  async #heldOnce(blob: Blob): Promise<Uint8Array | undefined> {
    if (this.#given.has(blob.digest)) return undefined;
    this.#given.add(blob.digest);
    return await this.#view.heldBlob(blob);
  }

  #notFound(reference: Tag | Digest): RegistryError<"NOT_FOUND"> {
    const message = `${reference} is not in the plan of ${this.name}, or no longer there`;
    return new RegistryError("NOT_FOUND", message, { registry: this.name, reference });
  }
}
