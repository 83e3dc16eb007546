import {
  type Blob,
  formatName,
  isRegistryError,
  type Manifest,
  type PushOutcome,
  type RepositoryReader,
  type RepositoryWriter,
  type Tag,
} from "@tranship/registry";
import type { Side } from "../errors.ts";
import type { OnEvent } from "../events.ts";
import { sparseRefusal } from "./sparse-refused.ts";
import { transferError } from "./transfer-error.ts";
import { Upload } from "./upload.ts";

/** How often a blob is read whose bytes arrive damaged; a source that holds them so goes on sending them so. */
const maxReadings = 3;

/** What a {@link Copier} copies between. */
export interface Route {
  /** What blobs are read from. */
  readonly from: Pick<RepositoryReader, "name" | "fetchBlob">;
  readonly to: Pick<RepositoryReader, "name"> & RepositoryWriter;
  /** How events name the repository: its path below the registry root. */
  readonly path: string;
  /** How messages name it instead. @defaultValue the path */
  readonly label?: string | undefined;
  /** Told of every failure as it is thrown, with the blob it is about, if it is about one. */
  readonly onFailure?: ((error: unknown, blob?: Blob) => void) | undefined;
}

/** Copies single blobs and manifests from one repository to another, tells about it, and wraps what fails once. */
export class Copier {
  readonly path: string;
  readonly #label: string;
  readonly #from: Route["from"];
  readonly #to: Route["to"];
  readonly #emit: OnEvent;
  readonly #onFailure: Route["onFailure"];

  constructor({ from, to, path, label = path, onFailure }: Route, emit: OnEvent) {
    this.path = path;
    this.#label = label;
    this.#from = from;
    this.#to = to;
    this.#emit = emit;
    this.#onFailure = onFailure;
  }

  /** The same copier, writing elsewhere: to what only tells what would be written, for one. */
  writingTo(to: Route["to"], emit: OnEvent): Copier {
    return new Copier({ from: this.#from, to, path: this.path, label: this.#label, onFailure: this.#onFailure }, emit);
  }

  /** Copies `blob`, which `image` (`:tag` or `@digest`) needs; the target may have it in a repository of `mountFrom`. */
  async blob(blob: Blob, image: string, signal: AbortSignal, mountFrom: readonly string[] = []): Promise<PushOutcome> {
    const upload = new Upload(this.#from, this.path, blob, this.#emit, signal);
    const source = this.#from.name;
    let outcome: PushOutcome | undefined;
    for (let attempt = 1; outcome === undefined; attempt += 1) {
      try {
        outcome = await this.#to.pushBlob(blob, (offset, allocate) => upload.open(offset, allocate), {
          signal,
          mountFrom,
          source,
        });
      } catch (error) {
        // Bytes that are not what the digest says cannot be the target's doing; damaged on the way, they are worth another try.
        const isCorrupt = isRegistryError(error, "DIGEST_MISMATCH") || isRegistryError(error, "SIZE_MISMATCH");
        if (isCorrupt && attempt < maxReadings && !signal.aborted) continue;
        const isSource = isCorrupt || upload.failure?.error === error;
        const failure = this.failure(error, isSource ? "source" : "target", image, signal, isCorrupt);
        upload.fail();
        this.#onFailure?.(failure, blob);
        throw failure;
      }
    }
    const { digest, size } = blob;
    if (outcome === "written") upload.finish();
    else this.#emit({ type: "blob.skipped", side: "target", repository: this.path, digest, size, reason: outcome });
    return outcome;
  }

  /**
   * Stores a manifest under its tags, or by its digest alone; `leftOut` of the manifests it lists are left out on purpose.
   * @throws MirrorError also `SPARSE_INDEX_REFUSED`
   */
  async manifest(
    manifest: Manifest,
    tags: readonly Tag[],
    image: string,
    signal: AbortSignal,
    leftOut = 0,
  ): Promise<void> {
    try {
      await this.#to.pushManifest(manifest, { tags, signal });
    } catch (cause) {
      const { name } = this.#to;
      const index = formatName(name, manifest.descriptor.digest);
      const error = leftOut === 0 ? cause : sparseRefusal(cause, name, index, leftOut);
      const failure = this.failure(error, "target", image, signal);
      this.#onFailure?.(failure);
      throw failure;
    }
    for (const tag of tags) this.tell(tag, manifest, "written");
  }

  /** Tells that the target has an image. */
  tell(tag: Tag, { descriptor }: Pick<Manifest, "descriptor">, outcome: "written" | "present"): void {
    const reference = formatName(this.#to.name, tag);
    this.#emit({ type: "image.finished", side: "target", reference, digest: descriptor.digest, outcome });
  }

  /**
   * `error`, wrapped with the image and the side; the reason of an aborted signal instead, and what is wrapped already stays.
   * Of bytes that are damaged, whoever was given them tells: then it is said who gave them.
   */
  failure(error: unknown, side: Side, image: string, signal: AbortSignal | undefined, isCorrupt = false): unknown {
    const name = `${this.#label}${image}`.replace(/^[:@]/, "") || this.#from.name;
    const reference = `${side === "source" ? this.#from.name : this.#to.name}${image}`;
    const giver = isCorrupt ? ` with what ${this.#from.name} gave` : "";
    return transferError(error, side, `push ${name} to ${this.#to.name}${giver}`, reference, signal);
  }
}
