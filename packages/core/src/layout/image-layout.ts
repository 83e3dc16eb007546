import {
  type CallOptions,
  type Descriptor,
  type Digest,
  formatName,
  parseTag,
  RegistryError,
  type Tag,
} from "@tranship/registry";
import { MirrorError } from "../errors.ts";
import { copyParts } from "./copy-parts.ts";
import type { Image, ImageMeta } from "./image.ts";
import { refNameOf } from "./index-file.ts";
import { LayoutDirectory } from "./layout-directory.ts";
import { entryFor, withEntryLast } from "./layout-entry.ts";
import { LayoutRepository } from "./layout-repository.ts";
import { splitRefName } from "./ref-name.ts";

/**
 * An OCI image layout in one directory. Readers and writers of one process may share it: a blob appears whole or not at
 * all, and an image is listed only once everything it needs is there.
 * @see image-spec v1.1, "OCI Image Layout Specification"
 */
export class ImageLayout extends LayoutRepository {
  readonly #directory: LayoutDirectory;

  private constructor(directory: LayoutDirectory) {
    super(directory, { listing: "needed" });
    this.#directory = directory;
  }

  /**
   * Opens the layout in a directory, with what it holds; a missing one is made.
   * @throws MirrorError `LAYOUT_INVALID`, `NO_SPACE`, `FILE_FAILED`
   */
  static async open(path: string): Promise<ImageLayout> {
    return new ImageLayout(await LayoutDirectory.open(path));
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
    if ((await this.#directory.index())?.tags.get(tag)?.digest === entry.digest) return;
    await copyParts(image, this, signal);
    await this.storeManifest(manifest, signal);
    await this.#list(entry, tag);
  }

  /**
   * Names a stored image once more.
   * @throws RegistryError `NOT_FOUND` when no image of that digest is listed
   */
  async tagImage(digest: Digest, tag: Tag, { signal }: CallOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    const index = await this.#directory.index();
    const listed = index?.descriptors.find((entry) => entry.digest === digest);
    if (!listed) {
      const message = `cannot tag ${formatName(this.name, digest)}: it is not in the layout`;
      throw new RegistryError("NOT_FOUND", message, { registry: this.name, reference: digest });
    }
    await this.#list(entryFor(listed, parseTag(tag)), tag);
  }

  /** The image under a tag. @throws MirrorError `IMAGE_META_NOT_FOUND` */
  async getImage(tag: Tag, { signal }: CallOptions = {}): Promise<Image> {
    await this.#directory.index(); // whoever changed it last
    const meta = this.getMeta(tag);
    return { manifest: await this.manifest(meta.digest, { signal }), repository: this, meta };
  }

  /** Where the image under a tag came from, as far as its entry tells. @throws MirrorError `IMAGE_META_NOT_FOUND` */
  getMeta(tag: Tag): ImageMeta {
    const entry = this.#directory.lastIndex.tags.get(tag);
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

  #noMeta(tag: Tag, reason: string): MirrorError<"IMAGE_META_NOT_FOUND"> {
    const message = `cannot use ${formatName(this.name, tag)}: ${reason}`;
    return new MirrorError("IMAGE_META_NOT_FOUND", message, { layout: this.path, tag });
  }
}
