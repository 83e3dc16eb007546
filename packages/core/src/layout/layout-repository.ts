import {
  type Blob,
  type CallOptions,
  type Descriptor,
  type Digest,
  formatName,
  type ImageIndex,
  type ImageManifest,
  type Manifest,
  manifestOf,
  type OpenBlob,
  openBytes,
  type PushBlobOptions,
  type PushManifestOptions,
  type PushOutcome,
  parseManifest,
  parseTag,
  RegistryError,
  type RepositoryDeleter,
  type RepositoryWriter,
  sniffManifestMediaType,
  type Tag,
  type WriteProbe,
} from "@tranship/registry";
import { LayoutContent } from "./layout-content.ts";
import type { LayoutDirectory } from "./layout-directory.ts";
import { entryFor, untaggedEntry, withoutTag, withTagsMoved, withTagsMovedAndAllListed } from "./layout-entry.ts";
import type { TagGathering } from "./tag-gathering.ts";
import { Turns } from "./turns.ts";
import { requireWritableFolder } from "./writable-folder.ts";

/** How a {@link LayoutRepository} is kept. */
export interface LayoutRepositoryRules {
  /**
   * Which manifests `index.json` lists: `"needed"` has those with a tag and those that cannot be found otherwise, such as
   * referrers, and gives the list a tool expects of a few images. `"all"` has every one, as registries keep it.
   */
  readonly listing: "all" | "needed";
  /** The layout of another repository, to take blobs over from. @defaultValue there is none */
  readonly sibling?: ((path: string) => LayoutDirectory | undefined) | undefined;
  /** Whether tags are written one by one or together, where all is listed. @defaultValue one by one */
  readonly gathering?: TagGathering | undefined;
  /** Refuses every write. @defaultValue false */
  readonly isReadOnly?: boolean | undefined;
}

/**
 * One repository kept as an OCI image layout: blobs and manifests are files by digest, tags are entries of `index.json`.
 * Readers and writers of one process may share it.
 * @see image-spec v1.1, "OCI Image Layout Specification"
 */
export class LayoutRepository extends LayoutContent implements RepositoryWriter, RepositoryDeleter, WriteProbe {
  readonly #directory: LayoutDirectory;
  readonly #rules: LayoutRepositoryRules;
  /** Pushes and deletions of one manifest wait for each other: a listed one has its file. */
  readonly #turns: Turns<Digest> = new Turns();

  /** @internal */
  constructor(directory: LayoutDirectory, rules: LayoutRepositoryRules) {
    super(directory);
    this.#directory = directory;
    this.#rules = rules;
  }

  /** The directory, as an absolute path. */
  get path(): string {
    return this.#directory.path;
  }

  /**
   * A blob that one of `mountFrom` has is taken over by a hard link.
   * @throws RegistryError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `UNSUPPORTED` @throws MirrorError `NO_SPACE`, `FILE_FAILED`
   */
  async pushBlob(blob: Blob, open: OpenBlob, { signal, mountFrom = [] }: PushBlobOptions = {}): Promise<PushOutcome> {
    signal?.throwIfAborted();
    this.#requireWritable("push");
    // A file of another size is none of ours: it is replaced.
    if ((await this.#directory.stat(blob.digest)) === blob.size) return "present";
    for (const path of mountFrom) if (await this.#mount(blob, path, signal)) return "mounted";
    await this.#directory.writeBlob(blob, open(0), signal);
    return "written";
  }

  /**
   * Keeps the annotations of `manifest.descriptor`; each tag moves to it, and stands in its `ref.name` too.
   * @throws RegistryError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `INVALID_MANIFEST`, `INVALID_REFERENCE`, `UNSUPPORTED`
   */
  async pushManifest(manifest: Manifest, { tags = [], signal }: PushManifestOptions = {}): Promise<void> {
    this.#requireWritable("push");
    const { descriptor } = manifest;
    const entries = tags.map((tag) => entryFor(descriptor, parseTag(tag)));
    await this.#turns.run(descriptor.digest, async () => {
      const content = await this.storeManifest(manifest, signal);
      if (entries.length > 0) {
        await this.#moveTags(entries);
      } else if (this.#isListedUntagged(manifest, content)) {
        const entry = untaggedEntry(descriptor);
        await this.#directory.change((index) =>
          index.find(entry.digest) ? index.descriptors : [...index.descriptors, entry],
        );
      }
    });
  }

  /** Looks whether the folder, or the one it would be made in, can be written. @throws RegistryError `UNSUPPORTED` @throws MirrorError `FILE_FAILED` */
  async probeWrite({ signal }: CallOptions = {}): Promise<AsyncDisposable> {
    signal?.throwIfAborted();
    this.#requireWritable("push");
    await requireWritableFolder(this.path);
    return { [Symbol.asyncDispose]: async () => {} }; // nothing was begun
  }

  /** Takes the name away; the manifest stays listed by its digest. @throws RegistryError `UNSUPPORTED` */
  async deleteTag(tag: Tag, { signal }: CallOptions = {}): Promise<boolean> {
    signal?.throwIfAborted();
    this.#requireWritable("delete");
    if (!(await this.#directory.index())?.tags.has(tag)) return false;
    let wasThere = false;
    await this.#directory.change(({ descriptors, tags }) => {
      wasThere = tags.has(tag);
      return wasThere ? withoutTag(descriptors, tag) : descriptors;
    });
    return wasThere;
  }

  /** Takes a manifest away: its entries, then its file. @throws RegistryError `UNSUPPORTED` */
  async deleteManifest(digest: Digest, { signal }: CallOptions = {}): Promise<boolean> {
    signal?.throwIfAborted();
    this.#requireWritable("delete");
    return await this.#turns.run(digest, async () => {
      const isListed = (await this.#directory.index())?.find(digest) !== undefined;
      if (!isListed && !(await this.resolve(digest, { signal }))) return false;
      if (isListed) {
        await this.#directory.change(({ descriptors }) => descriptors.filter((entry) => entry.digest !== digest));
      }
      await this.#directory.removeBlob(digest); // last: a listed manifest has its file
      return true;
    });
  }

  /** Takes a blob's file away. A listed manifest is no blob: it stays. @throws RegistryError `UNSUPPORTED` */
  async deleteBlob(digest: Digest, { signal }: CallOptions = {}): Promise<boolean> {
    signal?.throwIfAborted();
    this.#requireWritable("delete");
    return await this.#turns.run(digest, async () => {
      if ((await this.#directory.index())?.find(digest)) return false;
      return await this.#directory.removeBlob(digest);
    });
  }

  async #moveTags(entries: readonly Descriptor[]): Promise<void> {
    const { listing, gathering } = this.#rules;
    if (listing === "all" && gathering?.isOn) {
      gathering.note(this, this.#directory);
      await this.#directory.gatherTags(entries);
    } else {
      const moved = listing === "all" ? withTagsMovedAndAllListed : withTagsMoved;
      await this.#directory.change(({ descriptors }) => moved(descriptors, entries));
    }
  }

  /** Checks a manifest and stores its bytes, listed or not. @internal */
  protected async storeManifest(
    manifest: Manifest,
    signal: AbortSignal | undefined,
  ): Promise<ImageManifest | ImageIndex> {
    const { descriptor, bytes } = manifest;
    if (bytes.byteLength !== descriptor.size) throw wrongSize(this.name, descriptor, bytes.byteLength);
    manifestOf(bytes, descriptor.mediaType, descriptor.digest); // a stored file of that name would prove nothing about them
    const content = parseManifest(manifest);
    await this.pushBlob(descriptor, openBytes(bytes), { signal });
    this.#directory.subjects.note(descriptor.digest, content.subject?.digest);
    return content;
  }

  /** Who refers to a subject is found through the index only; so is a type that the bytes do not tell. */
  #isListedUntagged({ descriptor, bytes }: Manifest, { subject }: ImageManifest | ImageIndex): boolean {
    if (this.#rules.listing === "all" || subject) return true;
    return sniffManifestMediaType(bytes) !== descriptor.mediaType;
  }

  /** Takes a blob over from another repository. That is a hint: one that does not serve is passed over. */
  async #mount(blob: Blob, path: string, signal: AbortSignal | undefined): Promise<boolean> {
    const from = this.#rules.sibling?.(path);
    if (!from) return false;
    try {
      return await this.#directory.linkBlob(blob, from, signal);
    } catch {
      signal?.throwIfAborted();
      return false; // what ails this layout and not the other shows again when the bytes are written
    }
  }

  #requireWritable(operation: string): void {
    if (!this.#rules.isReadOnly) return;
    const message = `cannot ${operation} in ${this.name}: it was opened read-only`;
    throw new RegistryError("UNSUPPORTED", message, { registry: this.name, operation });
  }
}

function wrongSize(name: string, { digest, size }: Descriptor, actual: number): RegistryError<"SIZE_MISMATCH"> {
  const reference = formatName(name, digest);
  const message = `cannot store ${reference}: expected ${size} bytes, got ${actual}`;
  return new RegistryError("SIZE_MISMATCH", message, { reference, expected: size, actual });
}
