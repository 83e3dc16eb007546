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
  type PushBlobOptions,
  type PushManifestOptions,
  type PushOutcome,
  parseManifest,
  parseTag,
  RegistryError,
  type RepositoryWriter,
  type Tag,
} from "@tranship/registry";
import { MirrorError } from "../errors.ts";
import { copyParts } from "./copy-parts.ts";
import type { Image, ImageMeta } from "./image.ts";
import { refNameOf } from "./index-file.ts";
import { LayoutContent } from "./layout-content.ts";
import { LayoutDirectory } from "./layout-directory.ts";
import { entryFor, untaggedEntry, withEntryLast, withTagMoved } from "./layout-entry.ts";
import { splitRefName } from "./ref-name.ts";

/**
 * An OCI image layout in one directory. Readers and writers of one process may share it: a blob appears whole or not at
 * all, and an image is listed only once everything it needs is there.
 * @see image-spec v1.1, "OCI Image Layout Specification"
 */
export class ImageLayout extends LayoutContent implements RepositoryWriter {
  readonly #directory: LayoutDirectory;

  private constructor(directory: LayoutDirectory) {
    super(directory);
    this.#directory = directory;
  }

  /**
   * Opens the layout in a directory, with what it holds; a missing one is made.
   * @throws MirrorError `LAYOUT_INVALID`, `NO_SPACE`, `FILE_FAILED`
   */
  static async open(path: string): Promise<ImageLayout> {
    return new ImageLayout(await LayoutDirectory.open(path));
  }

  /** The directory, as an absolute path. */
  get path(): string {
    return this.#directory.path;
  }

  /** @throws RegistryError `DIGEST_MISMATCH`, `SIZE_MISMATCH` @throws MirrorError `NO_SPACE`, `FILE_FAILED` */
  async pushBlob(blob: Blob, open: OpenBlob, { signal }: PushBlobOptions = {}): Promise<PushOutcome> {
    signal?.throwIfAborted();
    // A file of another size is none of ours: it is replaced.
    if ((await this.#directory.stat(blob.digest)) === blob.size) return "present";
    await this.#directory.writeBlob(blob, open(0), signal);
    return "written";
  }

  /**
   * Keeps the annotations of `manifest.descriptor`; each tag moves to it, and stands in its `ref.name` too.
   * @throws RegistryError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `INVALID_MANIFEST`, `INVALID_REFERENCE`
   */
  async pushManifest(manifest: Manifest, { tags = [], signal }: PushManifestOptions = {}): Promise<void> {
    const entries = tags.map((tag) => entryFor(manifest.descriptor, parseTag(tag)));
    const content = await this.#storeManifest(manifest, signal);
    if (entries.length > 0) await this.#directory.change((index) => entries.reduce(withTagMoved, index.descriptors));
    else if (content.subject) {
      // Who refers to a subject is found through the index only.
      const entry = untaggedEntry(manifest.descriptor);
      await this.#directory.change((index) =>
        index.find(entry.digest) ? index.descriptors : [...index.descriptors, entry],
      );
    }
  }

  /**
   * Stores an image with all it needs and lists it under `tag`. Nothing happens when `tag` is that image already; when it
   * is another, the newer one counts from now on.
   * @throws MirrorError `IMAGE_META_NOT_FOUND` for an image without metadata
   */
  async addImage(image: Image, tag: Tag, { signal }: CallOptions = {}): Promise<void> {
    const { manifest, meta } = image;
    if (!meta) throw this.#noMeta(tag, "the image has no metadata");
    const entry = entryFor(manifest.descriptor, parseTag(tag), meta.tagReference ?? meta.digestReference);
    if (this.#directory.index().tags.get(tag)?.digest === entry.digest) return;
    await copyParts(image, this, signal);
    await this.#storeManifest(manifest, signal);
    await this.#list(entry, tag);
  }

  /**
   * Names a stored image once more.
   * @throws RegistryError `NOT_FOUND` when no image of that digest is listed
   */
  async tagImage(digest: Digest, tag: Tag, { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    const listed = this.#directory.index().descriptors.find((entry) => entry.digest === digest);
    if (!listed) {
      const message = `cannot tag ${formatName(this.name, digest)}: it is not in the layout`;
      throw new RegistryError("NOT_FOUND", message, { registry: this.name, reference: digest });
    }
    await this.#list(entryFor(listed, parseTag(tag)), tag);
  }

  /** The image under a tag. @throws MirrorError `IMAGE_META_NOT_FOUND` */
  async getImage(tag: Tag, { signal }: CallOptions = {}): Promise<Image> {
    const meta = this.getMeta(tag);
    return { manifest: await this.manifest(meta.digest, { signal }), repository: this, meta };
  }

  /** Where the image under a tag came from, as far as its entry tells. @throws MirrorError `IMAGE_META_NOT_FOUND` */
  getMeta(tag: Tag): ImageMeta {
    const entry = this.#directory.index().tags.get(tag);
    if (!entry) throw this.#noMeta(tag, "the layout has no such tag");
    const refName = refNameOf(entry) ?? tag;
    const source = splitRefName(refName);
    return {
      ...(source.digest === undefined ? { tagReference: refName } : {}),
      digestReference: formatName(source.name === "" ? this.name : source.name, entry.digest),
      digest: entry.digest,
    };
  }

  async #list(entry: Descriptor, tag: Tag): Promise<void> {
    await this.#directory.change((index) =>
      index.tags.get(tag)?.digest === entry.digest ? index.descriptors : withEntryLast(index.descriptors, entry),
    );
  }

  async #storeManifest(manifest: Manifest, signal: AbortSignal | undefined): Promise<ImageManifest | ImageIndex> {
    const { descriptor, bytes } = manifest;
    if (bytes.byteLength !== descriptor.size) throw wrongSize(this.name, descriptor, bytes.byteLength);
    manifestOf(bytes, descriptor.mediaType, descriptor.digest); // a stored file of that name would prove nothing about them
    const content = parseManifest(manifest);
    await this.pushBlob(descriptor, () => piecesOf(bytes), { signal });
    return content;
  }

  #noMeta(tag: Tag, reason: string): MirrorError<"IMAGE_META_NOT_FOUND"> {
    const message = `cannot use ${formatName(this.name, tag)}: ${reason}`;
    return new MirrorError("IMAGE_META_NOT_FOUND", message, { layout: this.path, tag });
  }
}

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function wrongSize(name: string, { digest, size }: Descriptor, actual: number): RegistryError<"SIZE_MISMATCH"> {
  const reference = formatName(name, digest);
  const message = `cannot store ${reference}: expected ${size} bytes, got ${actual}`;
  return new RegistryError("SIZE_MISMATCH", message, { reference, expected: size, actual });
}
