import { type Digest, formatName, isManifestMediaType, type RepositoryReader, type Tag } from "@tranship/registry";
import { buildStep, type WantedImage } from "../plan/build-step.ts";
import type { RunContext } from "../plan/planner.ts";
import type { PlannedRepository } from "../plan/section.ts";
import { mapInFlight } from "../transfer/map-in-flight.ts";
import { type AttachedKinds, attachedTagStem, attachedTags } from "./attached-kinds.ts";
import { ReferrerSearch } from "./referrer-search.ts";

/** Options of {@link attachedImages}. */
export interface AttachedOptions {
  readonly kinds: AttachedKinds;
  /** Whether the source lists tags; else they are asked for one by one. */
  readonly canList: boolean;
}

/** Manifests of which it is asked at a time what is attached to them. */
const inFlight = 128;

/** A signature of an attestation of an image is two deep. More is no chain of trust any more. */
const maxDepth = 8;

/**
 * What is attached to the images of one repository: to every manifest, children of an index too, and to what is attached
 * itself. Tags such as `sha256-<hex>.att` come as they are; referrers come as the list under their subject's fallback
 * tag, which is made where the source keeps none, so that they reach a target whichever of the two it knows. What hangs
 * on a statement that is brought comes with it, of whichever kind but VEX where that is left out.
 * @throws MirrorError `TRANSFER_FAILED`, `IMAGE_NOT_FOUND`
 * @see distribution-spec v1.1.1, "Listing Referrers" and "Referrers Tag Schema"
 */
export async function attachedImages(
  repository: PlannedRepository,
  from: RepositoryReader,
  { kinds, canList }: AttachedOptions,
  run: RunContext,
): Promise<readonly WantedImage[]> {
  if (kinds === "none") return [];
  let subjects = subjectsOf([repository]);
  if (subjects.length === 0) return [];
  const tags = canList ? await run.source.tags(from) : undefined;
  const search = new AttachedSearch(repository.path, from, tags, run);
  const wanted: WantedImage[] = [];
  const seen = new Set<Digest>();
  for (let depth = 0; subjects.length > 0; depth += 1) {
    for (const subject of subjects) seen.add(subject);
    const found = await search.attachedTo(subjects, depth === 0 || kinds === "all-but-vex" ? kinds : "all");
    if (found.length === 0) break;
    if (depth === maxDepth) {
      warnOfDepth(found, run);
      break;
    }
    for (const one of found) wanted.push(one); // they may be more than a call takes arguments
    // Told and reported once, when all of it is laid down.
    const step = await buildStep(found, [], { ...run, emit: () => {} });
    subjects = subjectsOf(step?.section.repositories ?? []).filter((digest) => !seen.has(digest));
  }
  return wanted;
}

/** The manifests that something may be attached to: not those that are made here, nobody knows them. */
function subjectsOf(repositories: readonly PlannedRepository[]): readonly Digest[] {
  const subjects = repositories.flatMap(({ blobs, made = [] }) => {
    const own = new Set(made.map(({ digest }) => digest));
    return blobs.filter(({ mediaType, digest }) => isManifestMediaType(mediaType) && !own.has(digest));
  });
  return subjects.map(({ digest }) => digest);
}

/** Finds what is attached to manifests of one repository. */
class AttachedSearch {
  readonly #place: Omit<WantedImage, "reference">;
  readonly #tags: ReadonlyMap<string, readonly Tag[]> | undefined;
  readonly #referrers: ReferrerSearch;

  constructor(path: string, repository: RepositoryReader, tags: readonly Tag[] | undefined, run: RunContext) {
    this.#place = { path, repository, why: "attestation", whenMissing: "ignore", whenBroken: "fail" };
    this.#tags = tags && Map.groupBy(tags, (tag) => tag.split(".", 1)[0] ?? tag);
    this.#referrers = new ReferrerSearch(repository, tags && new Set(tags), run);
  }

  async attachedTo(subjects: readonly Digest[], kinds: AttachedKinds): Promise<readonly WantedImage[]> {
    return (await mapInFlight(subjects, inFlight, (subject) => this.#attachedTo(subject, kinds))).flat();
  }

  async #attachedTo(subject: Digest, kinds: AttachedKinds): Promise<readonly WantedImage[]> {
    const stem = attachedTagStem(subject);
    const listed = this.#tags && (this.#tags.get(stem) ?? []).filter((tag) => tag !== stem);
    const { list, absent } = await this.#referrers.of(subject, kinds);
    return [
      ...attachedTags(subject, kinds, listed).map((reference) => ({ ...this.#place, reference })),
      ...absent.map((reference) => ({ ...this.#place, reference, whenMissing: "report" as const })),
      ...(list ? [{ ...this.#place, ...list }] : []),
    ];
  }
}

function warnOfDepth(found: readonly WantedImage[], run: RunContext): void {
  for (const { repository, reference, tag } of found) {
    const name = formatName(repository.name, tag ?? reference);
    const message = `${name} is left out: it is attached to what is attached to others, more than ${maxDepth} deep`;
    run.emit({ type: "warning.raised", code: "IMAGE_UNUSABLE", message, reference: name });
  }
}
