import {
  childBlobs,
  childManifests,
  type Descriptor,
  type Digest,
  type ImageIndex,
  type ImageManifest,
  isManifestMediaType,
  isRegistryError,
  parseManifest,
  type RepositoryReader,
} from "@tranship/registry";
import { isMirrorError } from "../errors.ts";
import { leftOutOf } from "../layout/left-out.ts";
import { blobPath } from "../plan/section.ts";
import type { BlobCopy } from "./archive/blob-copy.ts";
import type { RepositoryContent } from "./bundle-content.ts";

/** Something an image of a bundle lacks, and the file that asks for it. */
export interface GraphFault {
  readonly archive: string;
  readonly entry: string;
  /** The chunks the entry lies in, where the archive is in chunks. */
  readonly files?: readonly string[] | undefined;
  readonly digest: Digest;
  readonly code: string;
  readonly message: string;
}

/** What an image may lack. */
interface Allowed {
  readonly of: Digest;
  readonly digests: ReadonlySet<Digest>;
  /** Those that an index was found to list. */
  readonly listed: Set<Digest>;
}

/** Nested indexes deeper than this are refused. */
const maxDepth = 8;

/**
 * Walks every image of a repository and tells what is missing, of a wrong size or unreadable. Reads manifests only.
 * `onLeftOut` hears of what an index lists and its image is said to leave out.
 */
export async function* graphFaults(
  content: RepositoryContent,
  repository: RepositoryReader,
  signal?: AbortSignal,
  onLeftOut: (child: Descriptor) => void = () => {},
): AsyncGenerator<GraphFault> {
  const walk = new GraphWalk(content, repository, signal, onLeftOut);
  for (const descriptor of content.index.descriptors) {
    const place = content.listedIn.get(descriptor.digest);
    if (place) yield* walk.image(descriptor, place);
  }
}

class GraphWalk {
  readonly #content: RepositoryContent;
  readonly #repository: RepositoryReader;
  readonly #signal: AbortSignal | undefined;
  readonly #onLeftOut: (child: Descriptor) => void;
  readonly #seen = new Map<Digest, string>();
  /** Manifests that were walked, with what they were allowed to lack then. */
  readonly #walked = new Set<string>();
  readonly #images = new Set<string>();

  constructor(
    content: RepositoryContent,
    repository: RepositoryReader,
    signal: AbortSignal | undefined,
    onLeftOut: (child: Descriptor) => void,
  ) {
    this.#onLeftOut = onLeftOut;
    this.#content = content;
    this.#repository = repository;
    this.#signal = signal;
  }

  /** Everything that a listed image leads to, but for what its entry says is left out. */
  async *image(descriptor: Descriptor, parent: BlobCopy): AsyncGenerator<GraphFault> {
    const { digest } = descriptor;
    const leftOut: Allowed = { of: digest, digests: leftOutOf(descriptor), listed: new Set() };
    const isNew = !this.#images.has(digest);
    this.#images.add(digest);
    yield* this.#manifest(descriptor, parent, 0, leftOut);
    if (!isNew) return;
    for (const other of leftOut.digests.difference(leftOut.listed)) {
      yield faultAt(parent, other, "PLAN_INVALID", `it is said to be left out of ${digest}, which does not list it`);
    }
  }

  async *#manifest(
    descriptor: Descriptor,
    parent: BlobCopy,
    depth: number,
    leftOut: Allowed,
  ): AsyncGenerator<GraphFault> {
    const missing = this.#fault(descriptor, parent, this.#placeOf(descriptor.digest)?.entry.size);
    if (missing) yield missing;
    if (missing) return;
    const seen = this.#seen.get(descriptor.digest);
    if (seen !== undefined && seen !== descriptor.mediaType) {
      const reason = `it is listed both as ${seen} and as ${descriptor.mediaType}`;
      yield faultAt(parent, descriptor.digest, "INVALID_MANIFEST", reason);
    }
    this.#seen.set(descriptor.digest, seen ?? descriptor.mediaType);
    const walk = `${descriptor.digest} ${leftOut.digests.size === 0 ? "" : leftOut.of}`;
    if (this.#walked.has(walk)) return;
    this.#walked.add(walk);
    const place = this.#placeOf(descriptor.digest) ?? parent;
    if (depth > maxDepth) {
      yield faultAt(place, descriptor.digest, "INVALID_MANIFEST", `its indexes are nested more than ${maxDepth} deep`);
      return;
    }
    const content = await this.#parse(descriptor, place);
    if ("code" in content) {
      yield content;
      return;
    }
    for (const blob of childBlobs(content)) {
      const fault = this.#blobFault(blob, place);
      if (fault) yield fault;
    }
    for (const child of childManifests(content)) {
      const fault = isManifestMediaType(child.mediaType) ? undefined : this.#blobFault(child, place);
      if (fault) yield fault;
      if (!isManifestMediaType(child.mediaType)) continue;
      const isLeftOut = content.kind === "index" && leftOut.digests.has(child.digest);
      if (isLeftOut) leftOut.listed.add(child.digest);
      if (isLeftOut && !this.#placeOf(child.digest)) this.#onLeftOut(child);
      else yield* this.#manifest(child, place, depth + 1, leftOut);
    }
  }

  async #parse(descriptor: Descriptor, place: BlobCopy): Promise<ImageManifest | ImageIndex | GraphFault> {
    try {
      const { bytes } = await this.#repository.manifest(descriptor.digest, { signal: this.#signal });
      return parseManifest({ descriptor, bytes });
    } catch (error) {
      this.#signal?.throwIfAborted();
      // A disk that fails says nothing about the bundle.
      if (!isRegistryError(error) && !isMirrorError(error, "ARCHIVE_INVALID")) throw error;
      return faultAt(place, descriptor.digest, error.code, error.message);
    }
  }

  /** A config or layer may be left to a base. */
  #blobFault(blob: Descriptor, parent: BlobCopy): GraphFault | undefined {
    const stored = this.#placeOf(blob.digest)?.entry.size ?? this.#content.assumed.get(blob.digest)?.size;
    return this.#fault(blob, parent, stored);
  }

  #fault({ digest, size }: Descriptor, parent: BlobCopy, stored: number | undefined): GraphFault | undefined {
    if (stored === size) return undefined;
    const what = `${blobPath(digest)}, which it needs,`;
    return stored === undefined
      ? faultAt(parent, digest, "NOT_FOUND", `${what} is not in the bundle`)
      : faultAt(parent, digest, "SIZE_MISMATCH", `${what} has ${stored} bytes, not ${size}`);
  }

  #placeOf(digest: Digest): BlobCopy | undefined {
    return this.#content.blobs.get(digest)?.[0];
  }
}

function faultAt({ archive, entry }: BlobCopy, digest: Digest, code: string, message: string): GraphFault {
  const files = archive.chunksOf(entry);
  const inChunks = files.length > 0 ? { files } : {};
  return { archive: archive.name, entry: entry.name, ...inChunks, digest, code, message };
}
