import { type Descriptor, type Digest, isManifestMediaType } from "@tranship/registry";
import { isMirrorError } from "../../errors.ts";
import type { LayoutIndex } from "../../layout/layout-index.ts";
import { leftOutOfAny } from "../../layout/left-out.ts";
import type { ItemContent, ProbeContext } from "../jobs/item-job.ts";
import type { Presence } from "../plan.ts";
import { contentOf, incomplete } from "./image-content.ts";
import { type ImageItem, type ImagePlace, placeOf } from "./image-place.ts";
import { ImageStore } from "./image-store.ts";
import { KeptManifests } from "./kept-manifests.ts";
import { leadsTo } from "./name-leads-to.ts";

/** Whether an image is where it is kept. What goes to a registry is not known to be there before that is asked. */
export async function probeImage(item: ImageItem, context: ProbeContext): Promise<Presence> {
  const place = placeOf(item);
  if (place === undefined) return "absent";
  return (await lookAt(item, place, context)).presence;
}

/** What there is of an image that is kept. @throws DepsError `INCOMPLETE`, `CHART_LAYER` */
export async function keptContent(item: ImageItem, context: ProbeContext): Promise<ItemContent> {
  const place = placeOf(item);
  if (place === undefined) return { digest: item.digest, sizeBytes: item.size ?? 0 };
  const found = await lookAt(item, place, { ...context, isDeep: false });
  if (found.kept === undefined || found.digest === undefined) throw incomplete(item, place.root);
  return await contentOf(item, found.digest, found.sizeBytes, found.kept);
}

/** What was found of an image. */
export interface FoundImage {
  readonly presence: Presence;
  readonly digest?: Digest | undefined;
  readonly sizeBytes: number;
  readonly kept?: KeptManifests | undefined;
}

/** Looks for an image; a list that cannot be read is taken for none. */
export async function lookAt(item: ImageItem, place: ImagePlace, context: ProbeContext): Promise<FoundImage> {
  const nothing: FoundImage = { presence: "absent", sizeBytes: 0 };
  context.signal.throwIfAborted();
  const store = await ImageStore.at(context.contents, place.root, false);
  if (store === undefined) return nothing;
  const kept = new KeptManifests(store.layout(place.repository), context);
  const index = await readableIndex(kept);
  if (index === undefined) return nothing;
  const digest = item.digest ?? namedDigest(index, place);
  if (digest === undefined) return nothing;
  const presence = await presenceOf(item, digest, place, index, kept);
  if (presence !== "present") return { presence, sizeBytes: 0, digest, kept };
  const whole = await kept.wholeness(digest, leftOutOfAny(index.descriptors, digest));
  const isPinned = item.digest !== undefined;
  return {
    presence: whole.presence === "present" && !isPinned ? "unpinned" : whole.presence,
    sizeBytes: whole.sizeBytes,
    digest,
    kept,
  };
}

/** Whether all that leads to an image is there. */
async function presenceOf(
  { source }: ImageItem,
  digest: Digest,
  { names, rules }: ImagePlace,
  index: LayoutIndex,
  kept: KeptManifests,
): Promise<Presence> {
  const published = source.type === "image" ? source.index : undefined;
  const platform = source.type === "image" ? source.platform : undefined;
  const isListed = index.find(digest) !== undefined;
  for (const name of names) {
    const [entry, ...others] = index.descriptors.filter((one) => rules.nameOf(one) === name);
    if (entry === undefined) return "absent";
    const found = await leadsTo(entry, { digest, platform, index: published }, kept);
    if (found !== "present") return found;
    if (others.some((other) => other.digest !== entry.digest)) return "differs"; // registries disagree which of them it means
  }
  for (const entry of index.descriptors) {
    const isMeant = [digest, published].includes(entry.digest) || names.includes(rules.nameOf(entry) ?? "");
    if (isMeant && !(await isTrue(entry, kept))) return "differs";
  }
  if (rules.isComplete && !isListed) return "absent";
  if (names.length === 0 && !isListed && (published === undefined || !index.find(published))) return "absent";
  return published === undefined || published === digest ? "present" : await kept.check({ digest: published });
}

/** Whether an entry says of its manifest what that is; of one that is not there nothing is known. */
async function isTrue({ mediaType, digest, size }: Descriptor, kept: KeptManifests): Promise<boolean> {
  return isManifestMediaType(mediaType) && (await kept.check({ digest, size })) !== "differs";
}

function namedDigest(index: LayoutIndex, { names, rules }: ImagePlace): Digest | undefined {
  const [name] = names;
  return name === undefined ? undefined : index.descriptors.find((one) => rules.nameOf(one) === name)?.digest;
}

async function readableIndex({ directory }: KeptManifests): Promise<LayoutIndex | undefined> {
  try {
    return await directory.index();
  } catch (error) {
    if (isMirrorError(error, "LAYOUT_INVALID")) return undefined;
    throw error;
  }
}
