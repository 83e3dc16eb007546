import { type Digest, formatName } from "@tranship/registry";
import type { Copier } from "../transfer/copier.ts";
import type { CopyProgress } from "../transfer/copy-progress.ts";
import { CopySteps } from "../transfer/copy-steps.ts";
import type { PushedImage } from "./push-list.ts";
import type { PushWork } from "./push-work.ts";

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
}

/** The writes: rank after rank, names of one image and rank in one go. */
export function pushSteps(work: PushWork, { copierOf = (own) => own, held, progress }: PushStepsOptions): CopySteps {
  const steps = new CopySteps(progress);
  for (const { digest, path } of held) steps.addHolder(digest, path);
  // First: a referrer that only lacks its place in a list is pushed though its manifest may be there.
  const referrers = work.referrers.written.map(({ copier, graph, descriptor }) =>
    steps.addImage({ copier: copierOf(copier), graph, tags: [], image: formatName("", descriptor.digest) }),
  );
  for (const { copier, graph } of work.referrers.present) steps.addPresent(copier, graph);
  for (const image of work.present) {
    if (!work.same.has(image)) continue; // a discovery tag for another image says nothing of what is there
    steps.addPresent(image.copier, image.graph);
    copierOf(image.copier).tell(image.tag, image, "present");
  }
  const ranks = [...Map.groupBy(groupsOf(work.written), ([image]) => image?.rank ?? 0)].sort(([a], [b]) => a - b);
  let published: readonly string[] = referrers;
  let after: string | undefined;
  for (const [rank, groups] of ranks) {
    // Blobs flow at any time; the next rank's manifests wait for all of this one's.
    if (rank > 0 && published.length > 0) {
      after = `before rank ${rank}`;
      steps.addBarrier(after, published);
    }
    const own = groups.flatMap(([first, ...others]) => {
      if (!first) return [];
      const { copier, graph } = first;
      const tags = [first, ...others].map(({ tag }) => tag);
      return steps.addImage({ copier: copierOf(copier), graph, tags, image: formatName("", first.tag), after });
    });
    published = after === undefined ? [...published, ...own] : [after, ...own];
  }
  return steps;
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
