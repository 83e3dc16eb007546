import {
  type Blob,
  type Descriptor,
  type Digest,
  defaultMaxManifestBytes,
  isTag,
  manifestOf,
  openBytes,
  parseManifest,
} from "@tranship/registry";
import { isMirrorError } from "../../errors.ts";
import type { LayoutDirectory } from "../../layout/layout-directory.ts";
import type { LayoutIndex } from "../../layout/layout-index.ts";
import { readRegular } from "../cache/own-file.ts";
import { DepsError } from "../errors.ts";
import { ImageStore } from "../images/image-store.ts";
import { KeptManifests } from "../images/kept-manifests.ts";
import { type ListingRules, layoutListing, repositoryListing } from "../images/layout-names.ts";
import { listImage } from "../images/list-image.ts";
import { repairIndex } from "../images/repair-index.ts";
import type { BringContext, ContentCheck, ItemContent, ProbeContext } from "../jobs/item-job.ts";
import type { LayoutSink, RepositoryLayoutSink } from "../manifest.ts";
import type { Presence } from "../plan.ts";
import { type ChartBlob, chartConfigMediaType, chartLayerMediaType } from "./chart-image.ts";
import type { PackedChart } from "./pack-chart.ts";

/** The layout that charts are kept in. */
export interface ChartPlace {
  readonly store: ImageStore;
  /** Below the store's root; empty for the root itself. */
  readonly repository: string;
  /** What the image is to be called there. */
  readonly names: readonly string[];
  readonly rules: ListingRules;
}

/**
 * Where a sink keeps charts; `undefined` when there is no such folder, unless it may be made.
 * @throws DepsError `REFERENCE_INVALID` @throws MirrorError `FILE_FAILED`
 */
export async function chartPlace(
  sink: RepositoryLayoutSink | LayoutSink,
  contents: ContentCheck,
  canMake: boolean,
): Promise<ChartPlace | undefined> {
  if (sink.type === "repository-layout") requireTags(sink.tags);
  const store = await ImageStore.at(contents, sink.type === "layout" ? sink.path : sink.root, canMake);
  if (store === undefined) return undefined;
  if (sink.type === "layout") return { store, repository: "", names: sink.names, rules: layoutListing };
  return { store, repository: sink.repository, names: sink.tags, rules: repositoryListing };
}

/** @throws DepsError `REFERENCE_INVALID` */
export function requireTags(tags: readonly string[]): void {
  const wrong = tags.find((tag) => !isTag(tag))?.slice(0, 300);
  if (wrong === undefined) return;
  const reason = "it is no tag";
  const message = `cannot use ${JSON.stringify(wrong)}: ${reason}`;
  throw new DepsError("REFERENCE_INVALID", message, { reference: wrong, reason });
}

/** The parts of a packed chart's image. */
export function partsOf({ config, archive, manifest }: PackedChart): readonly ChartBlob[] {
  const { digest, size } = manifest.descriptor;
  return [config, archive, { digest, size, bytes: manifest.bytes }];
}

/** Whether a layout has a packed chart, whole, under all names it is to have. */
export async function keptPresence(
  chart: PackedChart,
  { store, repository, names, rules }: ChartPlace,
  { contents, isDeep, signal }: ProbeContext,
): Promise<Presence> {
  const directory = store.layout(repository);
  const index = await readableIndex(directory);
  if (index === undefined) return "absent";
  const { digest } = chart.manifest.descriptor;
  const named = names.map((name) => index.descriptors.findLast((entry) => rules.nameOf(entry) === name)?.digest);
  if (named.some((other) => other !== undefined && other !== digest)) return "differs";
  if (named.includes(undefined) || index.find(digest) === undefined) return "absent";
  const found = await Promise.all(
    partsOf(chart).map((part) => contents.check(directory.fileOf(part.digest), part, { isDeep, signal })),
  );
  return found.find((presence) => presence !== "present") ?? "present";
}

/**
 * Stores a packed chart in a layout under its names. What is there is not written again. A chart that was packed before
 * and that nothing names any more is taken out of the index.
 */
export async function keepChart(chart: PackedChart, place: ChartPlace, context: BringContext): Promise<void> {
  await place.store.turns.run(place.repository, () => keep(chart, place, context));
}

async function keep(
  chart: PackedChart,
  { store, repository, names, rules }: ChartPlace,
  context: BringContext,
): Promise<void> {
  const { contents, isDeep, signal, progress } = context;
  const directory = store.layout(repository);
  const kept = new KeptManifests(directory, context);
  await repairIndex(store, repository, kept, rules);
  for (const part of partsOf(chart)) {
    const path = directory.fileOf(part.digest);
    if ((await contents.check(path, part, { isDeep, signal })) !== "present") {
      await directory.writeBlob(part, openBytes(part.bytes)(0), signal);
      await contents.note(path, part.digest);
      await store.addHolder(part.digest, repository);
    }
    progress.add(part.size);
  }
  const { descriptor } = chart.manifest;
  const isOld = (entry: Descriptor) => entry.digest !== descriptor.digest && names.includes(rules.nameOf(entry) ?? "");
  const old = await packedCharts((await directory.index())?.descriptors.filter(isOld) ?? [], directory);
  await listImage({ manifests: [descriptor], root: descriptor, names, isAlone: true }, kept, rules);
  if (old.size > 0) await dropUnnamed(old, directory, rules);
}

/** Takes manifests that nothing names out of the index, then their files: what is listed has its file. */
async function dropUnnamed(old: ReadonlySet<Digest>, directory: LayoutDirectory, rules: ListingRules): Promise<void> {
  let gone: ReadonlySet<Digest> = new Set();
  await directory.change(({ descriptors }) => {
    const named = new Set(descriptors.filter((entry) => rules.nameOf(entry)).map(({ digest }) => digest));
    gone = new Set([...old].filter((digest) => !named.has(digest)));
    return descriptors.filter(({ digest }) => !gone.has(digest));
  });
  for (const digest of gone) await directory.removeBlob(digest);
}

/** What is kept of the chart under its first name; `undefined` when it is no chart, or nothing is. */
export async function keptContent({ store, repository, names, rules }: ChartPlace): Promise<ItemContent | undefined> {
  const directory = store.layout(repository);
  const index = await readableIndex(directory);
  const [first] = names;
  const entry = index?.descriptors.findLast((one) => first !== undefined && rules.nameOf(one) === first);
  const parts = entry && (await chartParts(entry, directory));
  return entry && parts && contentOf(entry, parts.config, parts.layer, directory);
}

/** A kept chart as it is told. */
export function contentOf(manifest: Blob, config: Blob, layer: Blob, directory?: LayoutDirectory): ItemContent {
  return {
    digest: manifest.digest,
    sizeBytes: manifest.size + config.size + layer.size,
    ...(directory && { layer: { digest: layer.digest, path: directory.fileOf(layer.digest) } }),
  };
}

/** Those entries that are images of charts. */
async function packedCharts(entries: readonly Descriptor[], directory: LayoutDirectory): Promise<ReadonlySet<Digest>> {
  const found = new Set<Digest>();
  for (const entry of entries) if (await chartParts(entry, directory)) found.add(entry.digest);
  return found;
}

async function chartParts(entry: Descriptor, directory: LayoutDirectory) {
  if (entry.size > defaultMaxManifestBytes) return undefined;
  try {
    const bytes = await readRegular(directory.fileOf(entry.digest), defaultMaxManifestBytes);
    const content = parseManifest(manifestOf(bytes, entry.mediaType, entry.digest));
    if (content.kind === "index" || content.config.mediaType !== chartConfigMediaType) return undefined;
    const layer = content.layers.find(({ mediaType }) => mediaType === chartLayerMediaType);
    return layer && { config: content.config, layer };
  } catch {
    return undefined; // it is not there, or not what it was
  }
}

/** A layout that cannot be read has nothing. */
async function readableIndex(directory: LayoutDirectory): Promise<LayoutIndex | undefined> {
  try {
    return await directory.index();
  } catch (error) {
    if (isMirrorError(error, "LAYOUT_INVALID")) return undefined;
    throw error;
  }
}
