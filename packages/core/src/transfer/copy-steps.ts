import type { Descriptor, Digest, Tag } from "@tranship/registry";
import type { BlobCount } from "../plan/blob-count.ts";
import { BlobHolders } from "./blob-holders.ts";
import type { Copier } from "./copier.ts";
import { CopyProgress } from "./copy-progress.ts";
import { BlobStep, ManifestStep } from "./copy-step.ts";
import type { Graph, GraphManifest } from "./graph.ts";
import type { Step } from "./run-steps.ts";

/** What copying did; plain data. A blob counts once for each repository, sizes are in bytes. */
export interface CopyTotals {
  readonly blobs: { readonly written: number; readonly mounted: number; readonly present: number };
  readonly bytes: {
    /** Of blobs that were sent. */
    readonly uploaded: number;
    /** Of blobs the registry took over from another of its repositories. */
    readonly mounted: number;
    /** Of blobs that were there. */
    readonly present: number;
    /** Of manifests that were sent, once for each name. */
    readonly manifests: number;
  };
}

/** What copying brought into one repository; sizes are in bytes, as in {@link CopyTotals}. */
export interface RepositoryTotals {
  /** Its path below the root of the target. */
  readonly path: string;
  readonly uploadedBytes: number;
  readonly mountedBytes: number;
  readonly manifestBytes: number;
}

/** An image to be copied by {@link CopySteps}. */
export interface ImageToCopy {
  readonly copier: Copier;
  readonly graph: Graph;
  /** Names to give it; without any it can be reached by digest only. */
  readonly tags: readonly Tag[];
  /** How messages name it: `:tag` or `@digest`. */
  readonly image: string;
  /** The steps its manifests wait for; its blobs do not. */
  readonly after?: readonly string[] | undefined;
}

/**
 * Turns images into steps for `runSteps`: blobs, then child manifests, then the manifest with its tags. A blob is sent
 * once for each repository, first to the one that needs it first; the others then may mount it from there.
 */
export class CopySteps {
  readonly steps: Step[] = [];
  /** The step that stores a manifest in a repository; empty when it is there. */
  readonly #manifests = new Map<string, string>();
  readonly #blobs = new Map<string, string>();
  /** The step that brings a blob to the first repository that needs it. */
  readonly #firstCopies = new Map<Digest, string>();
  readonly #holders = new BlobHolders();
  readonly #progress: CopyProgress;
  readonly #planned = { blobs: 0, bytes: 0 };

  /** What `progress` has seen done is not done again. */
  constructor(progress: CopyProgress = new CopyProgress()) {
    this.#progress = progress;
  }

  /** Blobs that some step brings, makes sure of, or mounts; sizes are in bytes. */
  get planned(): BlobCount {
    return { ...this.#planned };
  }

  /** What was done by now, in these steps and in those that shared their progress. */
  get progress(): CopyProgress {
    return this.#progress;
  }

  /** {@link CopyProgress.totals} */
  get totals(): CopyTotals {
    return this.#progress.totals;
  }

  /** Takes note that the target has a blob in the repository at `path`, from where others can mount it. */
  addHolder(digest: Digest, path: string): void {
    this.#holders.hold(digest, path);
  }

  /** Takes note of an image the target has: its manifests are not sent again, and its blobs can be mounted from there. */
  addPresent(copier: Copier, { manifests, blobs }: Graph): void {
    for (const { digest } of blobs) this.#holders.hold(digest, copier.path);
    for (const { descriptor } of manifests) this.#manifests.set(keyOf(copier, descriptor.digest), "");
  }

  /** Adds the steps of an image and gives the id of the one that publishes it. */
  addImage({ copier, graph, tags, image, after = [] }: ImageToCopy): string {
    /** Of manifests the target has: the steps that make sure of what they need, before something new relies on them. */
    const assured = new Map<Digest, readonly string[]>();
    let published = "";
    for (const [index, manifest] of graph.manifests.entries()) {
      const isNamed = index === graph.manifests.length - 1 && tags.length > 0;
      const key = keyOf(copier, manifest.descriptor.digest);
      const earlier = this.#manifests.get(key);
      published = earlier ?? "";
      const children = manifest.children.flatMap((child) => assured.get(child) ?? []);
      if (earlier === "" && !isNamed) {
        const blobs = manifest.blobs.map((blob) => this.#addBlob(blob, copier, image));
        assured.set(manifest.descriptor.digest, [...blobs, ...children]);
      }
      if (earlier !== undefined && !isNamed) continue;
      const needs =
        earlier === undefined
          ? [...this.#needsOf(manifest, copier, image), ...children]
          : [earlier].filter((id) => id !== "");
      const own = isNamed ? tags : [];
      published = `manifest ${key} ${own.join(" ")}`;
      if (earlier === undefined) this.#manifests.set(key, published);
      const leftOut = graph.leftOut.filter((child) => child.index === manifest.descriptor.digest).length;
      const step = { id: published, needs: [...needs, ...after], copier, image, progress: this.#progress };
      this.steps.push(new ManifestStep({ ...step, manifest, tags: own, leftOut }));
    }
    return published;
  }

  /** The steps that bring the blobs of a graph, as far as there are any. */
  blobSteps(copier: Copier, { blobs }: Graph): readonly string[] {
    return blobs.flatMap(({ digest }) => this.#blobs.get(keyOf(copier, digest)) ?? []);
  }

  /** Adds a step that only waits. */
  addBarrier(id: string, needs: readonly string[]): void {
    this.steps.push({ id, needs, run: async () => {} });
  }

  #needsOf({ blobs, children }: GraphManifest, copier: Copier, image: string): readonly string[] {
    const stored = children.map((child) => this.#manifests.get(keyOf(copier, child)) ?? "").filter((id) => id !== "");
    return [...blobs.map((blob) => this.#addBlob(blob, copier, image)), ...stored];
  }

  #addBlob(blob: Descriptor, copier: Copier, image: string): string {
    const { digest, size } = blob;
    const key = keyOf(copier, digest);
    const known = this.#blobs.get(key);
    if (known !== undefined) return known;
    const id = `blob ${key}`;
    this.#blobs.set(key, id);
    if (this.#progress.isDone(id)) this.#holders.hold(digest, copier.path);
    else {
      this.#planned.blobs += 1;
      this.#planned.bytes += size;
    }
    const first = this.#firstCopies.get(digest);
    if (first === undefined) this.#firstCopies.set(digest, id);
    const step = { id, needs: first === undefined ? [] : [first], copier, image, progress: this.#progress };
    this.steps.push(new BlobStep({ ...step, blob, holders: this.#holders }));
    return id;
  }
}

function keyOf({ path }: Copier, digest: Digest): string {
  return `${path}@${digest}`;
}
