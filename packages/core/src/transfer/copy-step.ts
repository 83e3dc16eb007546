import type { Descriptor, Tag } from "@tranship/registry";
import type { BlobHolders } from "./blob-holders.ts";
import type { Copier } from "./copier.ts";
import type { CopyProgress } from "./copy-progress.ts";
import type { GraphManifest } from "./graph.ts";
import type { Step } from "./run-steps.ts";

/** What all steps of a {@link CopyStep} have to do with. */
interface CopyStepParts {
  readonly id: string;
  readonly needs: readonly string[];
  readonly copier: Copier;
  /** How messages name what it is a part of: `:tag` or `@digest`. */
  readonly image: string;
  readonly progress: CopyProgress;
}

/**
 * A step of copying, which is not done again where its progress says that it is done. There are as many of them as blobs and
 * manifests, all at once: so they are objects with what they need, and no closures over what they came from.
 */
abstract class CopyStep implements Step {
  readonly id: string;
  readonly needs: readonly string[];
  protected readonly copier: Copier;
  protected readonly image: string;
  protected readonly progress: CopyProgress;

  constructor({ id, needs, copier, image, progress }: CopyStepParts) {
    this.id = id;
    this.needs = needs;
    this.copier = copier;
    this.image = image;
    this.progress = progress;
  }

  async run(signal: AbortSignal): Promise<void> {
    if (this.progress.isDone(this.id)) return;
    await this.copy(signal);
    this.progress.finish(this.id);
  }

  protected abstract copy(signal: AbortSignal): Promise<void>;
}

/** Brings a blob into a repository, or makes sure that it is there. */
export class BlobStep extends CopyStep {
  readonly #blob: Descriptor;
  readonly #holders: BlobHolders;

  constructor({
    blob,
    holders,
    ...parts
  }: CopyStepParts & { readonly blob: Descriptor; readonly holders: BlobHolders }) {
    super(parts);
    this.#blob = blob;
    this.#holders = holders;
  }

  protected async copy(signal: AbortSignal): Promise<void> {
    const { copier, image, progress } = this;
    const { digest, size } = this.#blob;
    const outcome = await copier.blob(this.#blob, image, signal, this.#holders.hintsFor(digest, copier.path));
    progress.countBlob(copier.path, outcome, size);
    this.#holders.hold(digest, copier.path);
  }
}

/** What a {@link ManifestStep} stores; `leftOut` is how many of the manifests it lists are left out on purpose. */
interface ManifestStepParts extends CopyStepParts {
  readonly manifest: GraphManifest;
  readonly tags: readonly Tag[];
  readonly leftOut: number;
}

/** Stores a manifest under its tags, or by its digest alone. */
export class ManifestStep extends CopyStep {
  readonly #manifest: GraphManifest;
  readonly #tags: readonly Tag[];
  readonly #leftOut: number;

  constructor({ manifest, tags, leftOut, ...parts }: ManifestStepParts) {
    super(parts);
    this.#manifest = manifest;
    this.#tags = tags;
    this.#leftOut = leftOut;
  }

  protected async copy(signal: AbortSignal): Promise<void> {
    const { copier, image, progress } = this;
    await copier.manifest(this.#manifest, this.#tags, image, signal, this.#leftOut);
    progress.countManifest(copier.path, this.#manifest.descriptor.size * Math.max(1, this.#tags.length));
  }
}
