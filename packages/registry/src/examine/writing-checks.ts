import { randomBytes } from "node:crypto";
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

/** How long taking back what was written may last, in milliseconds. */
const cleaningMs = 10_000;

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
    let isThere = false;
    let undone = false;
    try {
      await this.#repository.pushManifest(manifest, { tags: [tag], ...this.#call() });
      isThere = (await this.#repository.resolve(tag, this.#call()))?.digest === manifest.descriptor.digest;
    } finally {
      undone = await this.#takeBack(tag, manifest); // whatever came of it: the answer may be lost, and not the tag
      if (!undone) this.#subject.left.push(name);
    }
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
    const signal = AbortSignal.timeout(cleaningMs);
    for (const { blob, repository } of this.#blobs) {
      try {
        await repository.deleteBlob(blob.digest, { signal });
      } catch {
        // best effort: what was found before matters more
      }
    }
  }

  /** Also when the caller has given up: a tag that nobody asked for is worse than a moment more. */
  async #takeBack(tag: string, { descriptor }: Manifest): Promise<boolean> {
    const signal = AbortSignal.timeout(cleaningMs);
    for (const remove of [
      () => this.#repository.deleteManifest(descriptor.digest, { signal }), // with every tag that names it: ours alone
      () => this.#repository.deleteTag(tag, { signal }),
    ]) {
      try {
        await remove();
        if ((await this.#repository.resolve(tag, { signal })) === undefined) return true;
      } catch {
        // another way may work; if none does, the tag is told of
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
