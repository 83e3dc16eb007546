import type { Blob, Descriptor } from "./oci/descriptor.ts";
import type { Digest } from "./oci/digest.ts";
import type { Manifest } from "./oci/manifest.ts";
import type { Tag } from "./oci/reference.ts";

/** What every call takes last. */
export interface CallOptions {
  /** Ends the call; it then rejects with `signal.reason`, unwrapped. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link RepositoryReader.manifest}. */
export interface ManifestOptions extends CallOptions {
  /** Larger manifests are refused, in bytes. @defaultValue 4 MiB */
  readonly maxBytes?: number | undefined;
}

/** Options of {@link RepositoryReader.fetchBlob}; places in bytes. */
export interface FetchBlobOptions extends CallOptions {
  /** @defaultValue 0 */
  readonly offset?: number | undefined;
  /** @defaultValue to the end */
  readonly length?: number | undefined;
  /**
   * Whether a full read is hashed. Who hashes the bytes anyway, as every writer does with a blob it is given, can do
   * without; a home may hash them all the same. @defaultValue true
   */
  readonly verify?: boolean | undefined;
  /** Gives memory for pieces. A home may use memory of its own all the same. @defaultValue new memory for each */
  readonly allocate?: AllocatePiece | undefined;
}

/**
 * Gives memory of so many bytes to put a piece of a blob into. It may be used again for another piece once that one has been
 * yielded and the next is asked for, or later: who gave it decides.
 */
export type AllocatePiece = (bytes: number) => Uint8Array;

/** Options of {@link RepositoryReader.referrers}. */
export interface ReferrersOptions extends CallOptions {
  /** Only referrers of this type. */
  readonly artifactType?: string | undefined;
  /**
   * Whether the list under the subject's fallback tag is read where the registry has no API. Who has listed the tags
   * knows which lists there are, and need not ask for others. @defaultValue true
   */
  readonly readsFallbackTag?: boolean | undefined;
}

/** Options of {@link RepositoryWriter.pushBlob}. */
export interface PushBlobOptions extends CallOptions {
  /** Repositories of the same registry (full paths below its root) that hold the blob; a writer may ignore the hint. */
  readonly mountFrom?: readonly string[] | undefined;
  /**
   * The full name of the repository that the bytes come from, such as `registry.example.com/org/app`: a writer of the
   * same host may take the blob over from there. A hint, too.
   */
  readonly source?: string | undefined;
}

/** Options of {@link RepositoryWriter.pushManifest}. */
export interface PushManifestOptions extends CallOptions {
  /** Names to give it. Without any, it can be reached by digest only. */
  readonly tags?: readonly Tag[] | undefined;
}

/**
 * Opens a blob's bytes from `offset` on; asked again when an upload has to be continued or repeated. Who reads from files may put
 * pieces into what `allocate` gives: it is used again, where new memory would wait for the garbage collector.
 */
export type OpenBlob = (offset: number, allocate?: AllocatePiece) => AsyncIterable<Uint8Array>;

/** What became of a pushed blob: it was there, was mounted from another repository, or its bytes were sent. */
export type PushOutcome = "present" | "mounted" | "written";

/** Reads one repository: on a remote host, in a bundle, in a layout directory, in a test's memory. */
export interface RepositoryReader {
  /** How messages and annotations name it, such as `registry.example.com/deckhouse/fe/packages/console`. */
  readonly name: string;
  /** What `reference` names now, or `undefined` when it is missing and only then. Reads no body: a HEAD request or a look-up. */
  resolve(reference: Tag | Digest, options?: CallOptions): Promise<Descriptor | undefined>;
  /**
   * A manifest with its exact bytes, in one request. Asked by digest, the bytes are proven to hash to it.
   * @throws RegistryError `NOT_FOUND`, `TOO_LARGE`, `DIGEST_MISMATCH`; `INVALID_MANIFEST` for what is no manifest of today
   */
  manifest(reference: Tag | Digest, options?: ManifestOptions): Promise<Manifest>;
  /** The blob's size in bytes, or `undefined` when it is missing and only then. */
  statBlob(digest: Digest, options?: CallOptions): Promise<{ readonly size: number } | undefined>;
  /**
   * Streams a blob in chunks the caller owns; a full read ends only once its size and digest have matched.
   * @throws RegistryError `NOT_FOUND`, `DIGEST_MISMATCH`, `SIZE_MISMATCH`
   * @see distribution-spec v1.1.1, "Pulling blobs"
   */
  fetchBlob(blob: Blob, options?: FetchBlobOptions): AsyncIterable<Uint8Array>;
  /**
   * The repository's tags, in the order its home keeps them; leaving the loop early asks for no more.
   * @throws RegistryError `NOT_FOUND` when there is no such repository
   */
  tags(options?: CallOptions): AsyncIterable<Tag>;
  /**
   * Manifests whose `subject` is this digest; none where nobody knows of any.
   * @throws RegistryError `INVALID_MANIFEST` when what should be the list is none
   * @see distribution-spec v1.1.1, "Listing Referrers"
   */
  referrers(subject: Digest, options?: ReferrersOptions): AsyncIterable<Descriptor>;
}

/** Writes one repository. Content is written leaves first: a manifest's blobs and children before the manifest. */
export interface RepositoryWriter {
  /**
   * Stores a blob unless it is there; whole or not at all. What `open` gives must hash to the digest.
   * @throws RegistryError `DIGEST_MISMATCH`, `SIZE_MISMATCH`
   */
  pushBlob(blob: Blob, open: OpenBlob, options?: PushBlobOptions): Promise<PushOutcome>;
  /**
   * Stores a manifest byte for byte, and names it.
   * @throws RegistryError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `INVALID_MANIFEST` for bytes that are not what the descriptor says;
   * `INVALID_REFERENCE` for a tag that is none
   */
  pushManifest(manifest: Manifest, options?: PushManifestOptions): Promise<void>;
}

/** A writer that can tell, before anything is sent, whether it would be let in. Not every home has a use for it. */
export interface WriteProbe {
  /**
   * Makes sure that the repository can be written: begins to, and rejects with what a write would run into. What it began
   * serves the next blob that is pushed here; disposing takes it back when none was.
   */
  probeWrite(options?: CallOptions): Promise<AsyncDisposable>;
}

/** A writer that can take blobs over from repositories outside its registry's root, known by their full names. */
export interface SourceMounts {
  /** Whether blobs of the repository of that name, {@link PushBlobOptions.source}, may be taken over; asks nobody. */
  mountsFrom(source: string): boolean;
}

/** Takes content out of one repository. Not every home can: where it cannot, calls end with `UNSUPPORTED`. */
export interface RepositoryDeleter {
  /** Takes the name away; the manifest stays. `false` when there was no such tag. */
  deleteTag(tag: Tag, options?: CallOptions): Promise<boolean>;
  /** Takes a manifest away, and every tag that names it. `false` when it was not there. */
  deleteManifest(digest: Digest, options?: CallOptions): Promise<boolean>;
  /** Takes a blob away, whoever still needs it. `false` when it was not there. */
  deleteBlob(digest: Digest, options?: CallOptions): Promise<boolean>;
}
