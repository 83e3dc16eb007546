import { randomBytes } from "node:crypto";
import { isRegistryError } from "../errors.ts";
import { type Blob, blobOf } from "../oci/descriptor.ts";
import { type Manifest, manifestOf } from "../oci/manifest.ts";
import { MediaType } from "../oci/media-type.ts";
import { formatName } from "../oci/reference.ts";
import { openBytes } from "../open-bytes.ts";
import { uploadBlob } from "../remote/blob-upload.ts";
import type { RemoteRegistryRepository } from "../remote/http-registry.ts";
import type { CheckFinding } from "./examination.ts";
import type { Subject } from "./subject.ts";

/** The repository that is written where the place itself is none, and the one blobs are mounted into. */
const ownName = "tranship-doctor";

/** Large enough for two chunks, and for no quota. */
const blobBytes = 2048;

/** Writes to a registry, and takes away again what it wrote. */
export class WriteTrial {
  readonly #subject: Subject;
  readonly #path: string;
  readonly #repository: RemoteRegistryRepository;
  readonly #blobs: { readonly blob: Blob; readonly repository: RemoteRegistryRepository }[] = [];

  constructor(subject: Subject) {
    this.#subject = subject;
    this.#path = subject.place.path === "" ? ownName : "";
    this.#repository = subject.registry.repository(this.#path);
  }

  /** A blob in one request. @throws RegistryError */
  async upload(): Promise<CheckFinding> {
    const bytes = randomBytes(blobBytes);
    const blob = blobOf(bytes);
    const outcome = await this.#repository.pushBlob(blob, openBytes(bytes), this.#call());
    this.#blobs.push({ blob, repository: this.#repository });
    return { status: "ok", reason: `${blob.size} bytes were ${outcome} at ${this.#repository.name}` };
  }

  /** A blob in two chunks. @throws RegistryError */
  async chunks(): Promise<CheckFinding> {
    const { client, signal } = this.#subject;
    const bytes = randomBytes(blobBytes);
    const blob = blobOf(bytes);
    const endpoints = this.#subject.endpoints(this.#path);
    await uploadBlob(client, endpoints, blob, openBytes(bytes), { chunkBytes: blobBytes / 2, signal });
    this.#blobs.push({ blob, repository: this.#repository });
    return { status: "ok", reason: `${blob.size} bytes were written in two chunks, or in the size it wants them` };
  }

  /** The first blob into another repository. @throws RegistryError */
  async mount(): Promise<CheckFinding> {
    const [first] = this.#blobs;
    if (!first) return { status: "not-asked", reason: "there is no blob to mount: none could be written" };
    const other = this.#subject.registry.repository(this.#path === "" ? ownName : `${this.#path}/${ownName}`);
    const refuse = async function* (): AsyncGenerator<Uint8Array> {
      yield* [];
      throw new NotMounted("bytes were wanted");
    };
    try {
      const outcome = await other.pushBlob(first.blob, refuse, { mountFrom: [this.#path], ...this.#call() });
      this.#blobs.push({ blob: first.blob, repository: other });
      return { status: "ok", reason: `a blob of ${this.#repository.name} was ${outcome} in ${other.name}` };
    } catch (error) {
      if (!(error instanceof NotMounted)) throw error;
      const reason = `${other.name} did not take a blob of ${this.#repository.name} without its bytes: they are sent again`;
      return { status: "warning", reason };
    }
  }

  /** An image of the first blob under a tag of its own, read back and deleted. @throws RegistryError */
  async manifest(): Promise<CheckFinding> {
    const [layer] = this.#blobs;
    if (!layer)
      return { status: "not-asked", reason: "there is nothing to make an image of: no blob could be written" };
    const config = new TextEncoder().encode("{}");
    await this.#repository.pushBlob(blobOf(config), openBytes(config), this.#call());
    const manifest = imageOf(blobOf(config), layer.blob);
    const tag = `${ownName}-${randomBytes(4).toString("hex")}`;
    const name = formatName(this.#repository.name, tag);
    await this.#repository.pushManifest(manifest, { tags: [tag], ...this.#call() });
    const isThere = (await this.#repository.resolve(tag, this.#call()))?.digest === manifest.descriptor.digest;
    const undone = await this.#takeBack(tag, manifest);
    if (!undone) this.#subject.left.push(name);
    if (!isThere) {
      return { status: "failed", reason: `${name} was pushed, and names something else or nothing right after` };
    }
    if (undone) return { status: "ok", reason: `${name} was pushed, read back and deleted` };
    const advice = "delete the tag by hand";
    return {
      status: "warning",
      reason: `${name} was pushed and read back; the registry deletes nothing, so it stays`,
      advice,
    };
  }

  /** Takes the blobs away, where that can be done; what nothing refers to, a registry collects by itself. */
  async clean(): Promise<void> {
    for (const { blob, repository } of this.#blobs) {
      try {
        await repository.deleteBlob(blob.digest, this.#call());
      } catch (error) {
        if (!isRegistryError(error)) throw error;
      }
    }
  }

  async #takeBack(tag: string, { descriptor }: Manifest): Promise<boolean> {
    for (const remove of [
      () => this.#repository.deleteManifest(descriptor.digest, this.#call()), // with every tag that names it: ours alone
      () => this.#repository.deleteTag(tag, this.#call()),
    ]) {
      try {
        await remove();
        if ((await this.#repository.resolve(tag, this.#call())) === undefined) return true;
      } catch (error) {
        if (!isRegistryError(error)) throw error;
      }
    }
    return false;
  }

  #call(): { readonly signal: AbortSignal | undefined } {
    return { signal: this.#subject.signal };
  }
}

/** A registry that does not mount opens an upload, and wants bytes. */
class NotMounted extends Error {}

function imageOf(config: Blob, layer: Blob): Manifest {
  const content = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: { mediaType: MediaType.ociConfig, ...config },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", ...layer }],
  };
  return manifestOf(new TextEncoder().encode(JSON.stringify(content)), MediaType.ociManifest);
}
