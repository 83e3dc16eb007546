import { type Digest, formatName } from "@tranship/registry";
import type { Copier } from "../transfer/copier.ts";
import type { CopyProgress } from "../transfer/copy-progress.ts";
import { CopySteps, type ImageToCopy } from "../transfer/copy-steps.ts";
import type { PushedImage } from "./push-list.ts";
import type { PushWork } from "./push-work.ts";

/** What is pushed: an image or a referrer. */
type Pushed = Pick<PushedImage, "copier" | "path" | "descriptor" | "graph">;

/** A blob the target is known to have in the repository at `path`. */
export interface HeldBlob {
  readonly digest: Digest;
  readonly path: string;
}

/** Options of {@link pushSteps}. */
export interface PushStepsOptions {
  /** What copies in place of an image's own copier. @defaultValue that one */
  readonly copierOf?: ((own: Copier) => Copier) | undefined;
  /** Blobs that can be mounted beside those of images that are present. */
  readonly held: readonly HeldBlob[];
  /** What is done already, and is not done again. @defaultValue nothing */
  readonly progress?: CopyProgress | undefined;
  /**
   * What an image of the source is a part of, by name: nothing of it is published before all its blobs are there.
   * @defaultValue each image is by itself
   */
  readonly wholesOf?: ((path: string, digest: Digest) => Iterable<string>) | undefined;
}

/** The writes: rank after rank, names of one image and rank in one go. */
export function pushSteps(work: PushWork, options: PushStepsOptions): CopySteps {
  const { copierOf = (own) => own, held, progress, wholesOf = () => [] } = options;
  const steps = new CopySteps(progress);
  const wholes = new Map<string, Set<string>>();
  const add = ({ copier: own, path, descriptor, graph }: Pushed, image: Omit<ImageToCopy, "copier" | "graph">) => {
    const names = [...wholesOf(path, descriptor.digest)].map((name) => `all blobs of ${name}`);
    const copier = copierOf(own);
    const id = steps.addImage({ ...image, copier, graph, after: [...(image.after ?? []), ...names] });
    for (const name of names) {
      const parts = wholes.get(name) ?? new Set();
      wholes.set(name, parts);
      for (const blob of steps.blobSteps(copier, graph)) parts.add(blob);
    }
    return id;
  };
  for (const { digest, path } of held) steps.addHolder(digest, path);
  const { sparse, afterSparse } = sparseFirst(work, steps, add);
  // First: a referrer that only lacks its place in a list is pushed though its manifest may be there.
  const referrers = work.referrers.written.map((referrer) =>
    add(referrer, {
      tags: [],
      image: formatName("", referrer.descriptor.digest),
      after: afterSparse(referrer.copier.path),
    }),
  );
  for (const { copier, graph } of work.referrers.present) steps.addPresent(copier, graph);
  for (const image of work.present) {
    if (!work.same.has(image)) continue; // a discovery tag for another image says nothing of what is there
    steps.addPresent(image.copier, image.graph);
    copierOf(image.copier).tell(image.tag, image, "present");
  }
  const ranks = [...Map.groupBy(groupsOf(work.written), ([image]) => image?.rank ?? 0)].sort(([a], [b]) => a - b);
  let published: readonly string[] = [...sparse, ...referrers];
  let after: readonly string[] = [];
  for (const [rank, groups] of ranks) {
    // Blobs flow at any time; the next rank's manifests wait for all of this one's.
    if (rank > 0 && published.length > 0) {
      const barrier = `before rank ${rank}`;
      steps.addBarrier(barrier, published);
      after = [barrier];
    }
    const own = groups.flatMap(([first, ...others]) => {
      if (!first) return [];
      const tags = [first, ...others].map(({ tag }) => tag);
      const waits = [...after, ...afterSparse(first.copier.path)];
      return add(first, { tags, image: formatName("", first.tag), after: waits });
    });
    published = after.length === 0 ? [...published, ...own] : [...after, ...own];
  }
  for (const [name, parts] of wholes) steps.addBarrier(name, [...parts]);
  return steps;
}

/**
 * Whether a registry takes an index without all it lists shows only when it is sent: such indexes go out by their digests
 * before anything of their repository gets a name. `afterSparse` gives the step that the rest of a repository waits for.
 */
function sparseFirst(
  { written }: PushWork,
  steps: CopySteps,
  add: (image: Pushed, how: Pick<ImageToCopy, "tags" | "image">) => string,
): { readonly sparse: readonly string[]; readonly afterSparse: (path: string) => readonly string[] } {
  const byPath = Map.groupBy(
    written.filter(({ graph }) => graph.leftOut.length > 0),
    ({ copier }) => copier.path,
  );
  const sparse: string[] = [];
  for (const [path, images] of byPath) {
    const distinct = new Map(images.map((image) => [image.descriptor.digest, image]));
    const ids = [...distinct.values()].map((image) =>
      add(image, { tags: [], image: formatName("", image.descriptor.digest) }),
    );
    const sent = ids.filter((id) => id !== ""); // none of those that are there
    steps.addBarrier(barrierOf(path), sent);
    sparse.push(...sent);
  }
  return { sparse, afterSparse: (path) => (byPath.has(path) ? [barrierOf(path)] : []) };
}

function barrierOf(path: string): string {
  return `after the sparse indexes of ${path}`;
}

/** Names of one image and rank together. A discovery tag's manifest goes out by itself. */
function groupsOf(images: readonly PushedImage[]): readonly (readonly PushedImage[])[] {
  const groups = Map.groupBy(
    images,
    ({ rank, copier, descriptor, isDiscovery, tag }) =>
      `${rank} ${copier.path}@${descriptor.digest}${isDiscovery ? tag : ""}`,
  );
  return [...groups.values()];
}
