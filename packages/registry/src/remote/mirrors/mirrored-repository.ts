import type { BlobLane, LaneProvider } from "../../lane.ts";
import type { Blob, Descriptor } from "../../oci/descriptor.ts";
import type { Digest } from "../../oci/digest.ts";
import type { Manifest } from "../../oci/manifest.ts";
import type { Tag } from "../../oci/reference.ts";
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
  SourceMounts,
  WriteProbe,
} from "../../repository.ts";
import { fetchFromSources } from "./mirrored-fetch.ts";
import { type LaneMemory, mirroredLane } from "./mirrored-lane.ts";
import type { Sources } from "./sources.ts";

/** A repository of the registry itself: all that can be done with one. */
export type OriginRepository = RepositoryReader &
  RepositoryWriter &
  RepositoryDeleter &
  WriteProbe &
  SourceMounts &
  LaneProvider;

/**
 * A repository whose content may come from mirrors. Only what names itself by its digest is asked of them, so no mirror
 * can pass off something else: manifests and blobs. What the registry alone can say, it is asked: which tags and
 * referrers there are, what a tag names and whether something is there, unless a mirror is told to be trusted with tags.
 * Writes and deletes go to the registry only; a mirror may go on offering what was deleted there.
 */
export class MirroredRepository
  implements RepositoryReader, RepositoryWriter, RepositoryDeleter, WriteProbe, LaneProvider
{
  readonly name: string;
  readonly lane: BlobLane;
  readonly #sources: Sources<OriginRepository>;

  constructor(sources: Sources<OriginRepository>, memory: LaneMemory) {
    this.name = sources.origin.name;
    this.lane = mirroredLane(sources, memory);
    this.#sources = sources;
  }

  resolve(reference: Tag | Digest, options: CallOptions = {}): Promise<Descriptor | undefined> {
    return this.#sources.ask(reference, options.signal, (repository, signal) =>
      repository.resolve(reference, { ...options, signal }),
    );
  }

  manifest(reference: Tag | Digest, options: ManifestOptions = {}): Promise<Manifest> {
    const read = (repository: RepositoryReader, signal: AbortSignal | undefined) =>
      repository.manifest(reference, { ...options, signal });
    return this.#sources.ask(reference, options.signal, read, { isProven: true });
  }

  statBlob(digest: Digest, options: CallOptions = {}): Promise<{ readonly size: number } | undefined> {
    return this.#sources.ask(digest, options.signal, (repository, signal) =>
      repository.statBlob(digest, { ...options, signal }),
    );
  }

  fetchBlob(blob: Blob, options?: FetchBlobOptions): AsyncIterable<Uint8Array> {
    return fetchFromSources(this.#sources, blob, options);
  }

  tags(options?: CallOptions): AsyncIterable<Tag> {
    return this.#sources.origin.tags(options);
  }

  referrers(subject: Digest, options?: ReferrersOptions): AsyncIterable<Descriptor> {
    return this.#sources.origin.referrers(subject, options);
  }

  pushBlob(blob: Blob, open: OpenBlob, options?: PushBlobOptions): Promise<PushOutcome> {
    return this.#sources.origin.pushBlob(blob, open, options);
  }

  mountsFrom(source: string): boolean {
    return this.#sources.origin.mountsFrom(source);
  }

  pushManifest(manifest: Manifest, options?: PushManifestOptions): Promise<void> {
    return this.#sources.origin.pushManifest(manifest, options);
  }

  probeWrite(options?: CallOptions): Promise<AsyncDisposable> {
    return this.#sources.origin.probeWrite(options);
  }

  deleteTag(tag: Tag, options?: CallOptions): Promise<boolean> {
    return this.#sources.origin.deleteTag(tag, options);
  }

  deleteManifest(digest: Digest, options?: CallOptions): Promise<boolean> {
    return this.#sources.origin.deleteManifest(digest, options);
  }

  deleteBlob(digest: Digest, options?: CallOptions): Promise<boolean> {
    return this.#sources.origin.deleteBlob(digest, options);
  }
}
