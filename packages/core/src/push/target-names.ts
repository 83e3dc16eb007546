import { type Descriptor, type Digest, formatName, isRegistryError, type RepositoryReader } from "@tranship/registry";
import { graphOf } from "../transfer/graph.ts";
import { runSteps, type Step } from "../transfer/run-steps.ts";
import type { PushedImage } from "./push-list.ts";
import type { PushedReferrer, TakenApart } from "./referrer-lists.ts";

/** What a push's names mean at the target. */
export interface TargetNames {
  /** Images whose tag names the same image there, and of an index all the source has of what it lists. */
  readonly same: ReadonlySet<PushedImage>;
  /** Images whose tag names another image there; of discovery tags, one that is whole. */
  readonly other: ReadonlySet<PushedImage>;
  /** Referrers that are there and listed. */
  readonly listed: ReadonlySet<PushedReferrer>;
}

/** What of a target is asked for names. */
export interface AskedTarget {
  repository(path: string): Pick<RepositoryReader, "resolve" | "referrers" | "manifest" | "statBlob" | "name">;
}

/** Options of {@link askTarget}. */
export interface AskTargetOptions {
  readonly inFlight: number;
  readonly signal: AbortSignal | undefined;
}

/** Asks the target for every name once, and for the lists of referrers it has. @throws MirrorError `TRANSFER_FAILED` */
export async function askTarget(
  { images, referrers }: TakenApart,
  target: AskedTarget,
  { inFlight, signal }: AskTargetOptions,
): Promise<TargetNames> {
  const same = new Set<PushedImage>();
  const other = new Set<PushedImage>();
  const listed = new Set<PushedReferrer>();
  const questions: Step[] = images.map((image) => ({
    id: formatName(image.copier.path, image.tag),
    run: async (own) => {
      const there = await ask(image, formatName("", image.tag), own, () =>
        target.repository(image.copier.path).resolve(image.tag, { signal: own }),
      );
      if (!there) return;
      if (there.digest === image.descriptor.digest) {
        if (await holdsManifests(image, target, own)) same.add(image);
      } else if (!image.isDiscovery || (await isWhole(image, there, target, own))) other.add(image);
    },
  }));
  const bySubject = Map.groupBy(referrers, ({ copier, subject }) => `${copier.path} ${subject ?? ""}`);
  for (const [id, group] of bySubject) {
    questions.push({
      id,
      run: async (own) => {
        for (const referrer of await listedOf(group, target, own)) listed.add(referrer);
      },
    });
  }
  await runSteps(questions, { inFlight, signal });
  return { same, other, listed };
}

/** Whether all is there that a tag leads to: a push that failed may have left it with a manifest that came damaged. */
async function isWhole(
  image: PushedImage,
  there: Descriptor,
  target: AskedTarget,
  signal: AbortSignal,
): Promise<boolean> {
  const repository = target.repository(image.copier.path);
  return await ask(image, formatName("", image.tag), signal, async () => {
    try {
      const { blobs } = await graphOf(repository, there, { signal });
      for (const { digest, size } of blobs) {
        if ((await repository.statBlob(digest, { signal }))?.size !== size) return false;
      }
      return true;
    } catch (error) {
      if (isRegistryError(error, "NOT_FOUND") || isRegistryError(error, "INVALID_MANIFEST")) return false;
      throw error;
    }
  });
}

/** An index may have been brought sparse: that it is there says nothing of what it lists. */
async function holdsManifests(image: PushedImage, target: AskedTarget, signal: AbortSignal): Promise<boolean> {
  const { copier, graph, isDiscovery } = image;
  if (isDiscovery) return true;
  const repository = target.repository(copier.path);
  for (const { descriptor } of graph.manifests.slice(0, -1)) {
    const { digest } = descriptor;
    const found = await ask(image, formatName("", digest), signal, () => repository.resolve(digest, { signal }));
    if (!found) return false;
  }
  return true;
}

/** Which of the referrers of one subject are there, and listed as such. */
async function listedOf(
  group: readonly PushedReferrer[],
  target: AskedTarget,
  signal: AbortSignal,
): Promise<readonly PushedReferrer[]> {
  const there: PushedReferrer[] = [];
  for (const referrer of group) {
    const { copier, descriptor } = referrer;
    const found = await ask(referrer, formatName("", descriptor.digest), signal, () =>
      target.repository(copier.path).resolve(descriptor.digest, { signal }),
    );
    if (found) there.push(referrer);
  }
  const [first] = there;
  const subject = first?.subject;
  if (!first || subject === undefined) return there;
  const list = await ask(first, formatName("", subject), signal, async () => {
    const named = new Map<Digest, Descriptor>();
    const referrers = target.repository(first.copier.path).referrers(subject, { signal });
    for await (const one of referrers) named.set(one.digest, one);
    return named;
  });
  // a list under a fallback tag may have been damaged on its way, which the next one who writes to it puts right
  return there.filter(({ descriptor: { digest, mediaType, size } }) => {
    const named = list.get(digest);
    return named?.mediaType === mediaType && named.size === size;
  });
}

async function ask<T>(
  { copier }: Pick<PushedImage, "copier">,
  image: string,
  signal: AbortSignal,
  question: () => Promise<T>,
): Promise<T> {
  try {
    return await question();
  } catch (error) {
    throw copier.failure(error, "target", image, signal);
  }
}
