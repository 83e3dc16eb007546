import type { Descriptor } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import { type Manifest, parseManifest, referrerDescriptor } from "../oci/manifest.ts";
import type { Tag } from "../oci/reference.ts";

/** The content of one repository in memory: maps and their one rule, that what goes in is already checked. */
export class MemoryStore {
  readonly blobs: Map<Digest, Uint8Array> = new Map();
  readonly manifests: Map<Digest, Manifest> = new Map();
  readonly tags: Map<Tag, Digest> = new Map();
  readonly #referrers: Map<Digest, Map<Digest, Descriptor>> = new Map();

  /** The manifest a tag or digest names. */
  find(reference: Tag | Digest): Manifest | undefined {
    return this.manifests.get(this.tags.get(reference) ?? (reference as Digest));
  }

  /**
   * Keeps a manifest's exact bytes and moves `tags` to it.
   * @throws RegistryError `INVALID_MANIFEST`, with nothing stored
   */
  put(manifest: Manifest, tags: readonly Tag[]): void {
    const { mediaType, digest, size } = manifest.descriptor;
    const content = parseManifest(manifest);
    const descriptor: Descriptor = { mediaType, digest, size };
    this.manifests.set(digest, { descriptor, bytes: new Uint8Array(manifest.bytes) });
    for (const tag of tags) this.tags.set(tag, digest);
    if (!content.subject) return;
    const referrers = this.#referrers.get(content.subject.digest) ?? new Map<Digest, Descriptor>();
    this.#referrers.set(content.subject.digest, referrers);
    referrers.set(digest, referrerDescriptor(descriptor, content));
  }

  /** Takes a manifest away, the tags that name it, and its entry as a referrer. What refers to it stays, as it may be pushed again. */
  remove(digest: Digest): boolean {
    const manifest = this.manifests.get(digest);
    if (!manifest) return false;
    this.manifests.delete(digest);
    for (const [tag, named] of this.tags) if (named === digest) this.tags.delete(tag);
    const { subject } = parseManifest(manifest);
    const siblings = subject && this.#referrers.get(subject.digest);
    siblings?.delete(digest);
    if (subject && siblings?.size === 0) this.#referrers.delete(subject.digest);
    return true;
  }

  /** Whether nothing is left in it. */
  get isEmpty(): boolean {
    return this.blobs.size === 0 && this.manifests.size === 0;
  }

  /** Descriptors of the manifests whose subject is `digest`, in the order they came. */
  referrers(digest: Digest): readonly Descriptor[] {
    return [...(this.#referrers.get(digest)?.values() ?? [])];
  }
}
