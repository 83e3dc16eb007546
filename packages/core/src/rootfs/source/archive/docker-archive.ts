import {
  type CallOptions,
  type Descriptor,
  type Digest,
  isDigest,
  parseManifest,
  type RepositoryReader,
  type Tag,
} from "@tranship/registry";
import { maxIndexBytes, parseIndexFile, refNameOf } from "../../../layout/index-file.ts";
import { LayoutContent } from "../../../layout/layout-content.ts";
import { splitRefName } from "../../../layout/ref-name.ts";
import type { LocalBlobFiles } from "../../layers/local-blob-files.ts";
import { imageInvalid } from "../extract-config.ts";
import { fullNameOf, imageNotFound, type OpenedImage, sameName } from "../opened-image.ts";
import { trying } from "../source-error.ts";
import { ArchiveBlobs } from "./archive-blobs.ts";
import { ArchiveFiles } from "./archive-files.ts";
import { imageIdOf, manifestOfSaved, readSavedImages } from "./saved-image.ts";

interface ArchivedImage {
  /** As they are written in the archive. */
  readonly names: readonly string[];
  /** What else it is called, where the archive has tags that belong to no name. */
  readonly tag?: Tag | undefined;
  /** Its image ID, or the digest of its manifest; `undefined` where that is not known yet. */
  readonly digest: Digest | undefined;
  readonly manifest: (signal: AbortSignal | undefined) => Promise<Digest>;
}

/**
 * The images in one archive as `docker save`, `podman save` and `skopeo` write them, never unpacked. Where it is an OCI
 * image layout too, as those of Docker since version 25 are, its own manifests count; else they are made of what
 * `manifest.json` says. Reading may be shared.
 */
export class DockerArchive implements AsyncDisposable {
  readonly #files: ArchiveFiles;
  readonly #images: readonly ArchivedImage[];
  /** What the images are made of. */
  readonly repository: RepositoryReader & LocalBlobFiles;

  private constructor(files: ArchiveFiles, images: readonly ArchivedImage[], blobs: ArchiveBlobs) {
    this.#files = files;
    this.#images = images;
    this.repository = new LayoutContent(blobs);
  }

  /** Opens an archive: reads its headers and its list of images. @throws RootfsError `IMAGE_INVALID`, `FILE_FAILED` */
  static async open(path: string, { signal }: CallOptions = {}): Promise<DockerArchive> {
    signal?.throwIfAborted();
    const files = await ArchiveFiles.open(path, signal);
    try {
      const listed = files.find("index.json") ? await readIndex(files) : [];
      const blobs = new ArchiveBlobs(files, listed);
      const images = listed.length > 0 ? listed.map(imageOf) : await savedImages(files, blobs);
      return new DockerArchive(files, images, blobs);
    } catch (error) {
      await files[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** All names images have in it. */
  get names(): readonly string[] {
    return this.#images.flatMap(({ names }) => names);
  }

  /**
   * The image of a name, such as `alpine:3.18`, of a digest or of an image ID; the only one when nothing is asked for.
   * @throws RootfsError `IMAGE_NOT_FOUND`, `IMAGE_INVALID`, `FILE_FAILED`
   */
  async image(reference: string | undefined, { signal }: CallOptions = {}): Promise<OpenedImage> {
    signal?.throwIfAborted();
    const digest = await this.#find(reference, signal);
    const place = this.repository.name;
    if (digest === undefined) throw imageNotFound(place, reference, this.#offered());
    const name = reference === undefined ? this.names[0] : this.names.find((one) => sameName(one, reference));
    const imageRef = name === undefined ? `${place}@${digest}` : fullNameOf(name);
    return { imageRef, repository: this.repository, reference: digest };
  }

  /** Closes the archive. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#files[Symbol.asyncDispose]();
  }

  async #find(reference: string | undefined, signal: AbortSignal | undefined): Promise<Digest | undefined> {
    const [only, ...others] = this.#images;
    if (reference === undefined) return others.length === 0 ? await only?.manifest(signal) : undefined;
    const wanted = reference.startsWith("@") ? reference.slice(1) : reference;
    const found = this.#images.findLast(
      ({ names, tag, digest }) => [digest, tag].includes(wanted) || names.some((name) => sameName(name, wanted)),
    );
    if (found) return await found.manifest(signal);
    if (!isDigest(wanted)) return undefined;
    for (const image of this.#images) {
      const digest = await image.manifest(signal);
      if (digest === wanted || (await this.#configOf(digest, signal)) === wanted) return digest;
    }
    return (await this.repository.resolve(wanted, { signal }))?.digest;
  }

  /** The image ID of a manifest; `undefined` of what is no image alone. */
  async #configOf(digest: Digest, signal: AbortSignal | undefined): Promise<Digest | undefined> {
    return await trying("read", `${this.repository.name}@${digest}`, signal, async () => {
      const content = parseManifest(await this.repository.manifest(digest, { signal }));
      return content.kind === "image" ? content.config.digest : undefined;
    });
  }

  #offered(): readonly string[] {
    return this.#images.map(({ names, tag, digest }) => names[0] ?? tag ?? digest ?? "an image without a name");
  }
}

async function readIndex(files: ArchiveFiles): Promise<readonly Descriptor[]> {
  const bytes = await files.read("index.json", maxIndexBytes);
  try {
    return parseIndexFile(bytes);
  } catch (cause) {
    throw imageInvalid(
      files.path,
      `its index.json cannot be read: ${cause instanceof Error ? cause.message : ""}`,
      cause,
    );
  }
}

function imageOf(descriptor: Descriptor): ArchivedImage {
  const name = descriptor.annotations?.["io.containerd.image.name"] || (refNameOf(descriptor) ?? "");
  const { name: own, tag } = splitRefName(name);
  const called = own === "" ? { names: [], tag } : { names: [name] };
  return { ...called, digest: descriptor.digest, manifest: async () => descriptor.digest };
}

async function savedImages(files: ArchiveFiles, blobs: ArchiveBlobs): Promise<readonly ArchivedImage[]> {
  const images = await readSavedImages(files);
  return images.map((saved) => ({
    names: saved.RepoTags ?? [],
    digest: imageIdOf(saved),
    manifest: async (signal) => (await manifestOfSaved(saved, files, blobs, signal)).descriptor.digest,
  }));
}
