import { join } from "node:path";
import {
  type Descriptor,
  type Digest,
  formatName,
  isIndexMediaType,
  parseManifest,
  RegistryError,
  type RepositoryReader,
} from "@tranship/registry";
import type { OnEvent } from "../../events.ts";
import { withLeftOut } from "../../layout/left-out.ts";
import { Copier, type Route } from "../../transfer/copier.ts";
import { CopySteps } from "../../transfer/copy-steps.ts";
import { type Graph, graphOf } from "../../transfer/graph.ts";
import { runSteps } from "../../transfer/run-steps.ts";
import { DepsError } from "../errors.ts";
import type { BringContext, ItemContent } from "../jobs/item-job.ts";
import { contentOf, wantedLayer } from "./image-content.ts";
import { type ImageItem, type ImagePlace, makeStore, referenceOf } from "./image-place.ts";
import { KeptManifests } from "./kept-manifests.ts";
import { bareEntry } from "./layout-names.ts";
import { LayoutTarget } from "./layout-target.ts";
import { listImage } from "./list-image.ts";
import { lookAt } from "./probe-image.ts";
import { repairIndex } from "./repair-index.ts";
import { SlottedSource } from "./slotted-source.ts";

/** Blobs and manifests of one image under way at a time; how many are fetched is up to slots. */
const inFlight = 8;

/** Brings an image into a layout: its content, then its entries. What is there already is not asked for. */
export async function bringToLayout(item: ImageItem, place: ImagePlace, context: BringContext): Promise<ItemContent> {
  const { access, contents, progress, signal, staging } = context;
  access.hosts?.require(item.source.registry, item.id); // before anything is made
  await staging.prepare(join(place.root, "index.json")); // its folder, which no link leads out of the cache to
  const store = await makeStore(contents, place.root);
  const kept = new KeptManifests(store.layout(place.repository), context);
  await store.turns.run(place.repository, () => repairIndex(store, place.repository, kept, place.rules));
  const source = await openSource(item, context, kept);
  const digest = item.digest ?? (await resolveTag(item, source));
  if (item.digest === undefined) {
    const found = await lookAt({ ...item, digest }, place, context);
    if (found.presence === "present") {
      progress.total(found.sizeBytes);
      progress.add(found.sizeBytes);
      return await contentOf(item, digest, found.sizeBytes, kept);
    }
  }
  const image = await readImage(item, digest, source, signal);
  progress.total(image.sizeBytes);
  progress.started(); // also where all of it is here, and only a name is wanting
  const target = new LayoutTarget(store, place.repository, kept, context);
  await copyImage(image, { from: source, to: target, path: item.id }, () => {}, signal);
  if (image.index !== undefined) await target.pushManifest(image.index);
  const arrived = {
    manifests: image.graphs.flatMap(({ manifests }) => manifests.map(({ descriptor }) => descriptor)),
    root: image.root,
    index: image.index?.descriptor,
    names: place.names,
    platform: item.source.type === "image" ? item.source.platform : undefined,
    isAlone: item.source.type === "artifact",
  };
  await store.turns.run(place.repository, () => listImage(arrived, kept, place.rules));
  return await contentOf(item, digest, image.sizeBytes, kept);
}

/** An image as its registry has it. */
export interface SourceImage {
  /** Says which of its manifests are left out, as the registry does not have them. */
  readonly root: Descriptor;
  /** It, and what else is to be had whole. */
  readonly graphs: readonly Graph[];
  /** The index it is published in, which says that the others it lists are left out. */
  readonly index?: { readonly descriptor: Descriptor; readonly bytes: Uint8Array } | undefined;
  /** Of all of it, in bytes. */
  readonly sizeBytes: number;
}

/** The repository of an item, asked in slots of its host. @throws DepsError `HOST_FORBIDDEN` */
export async function openSource(
  { id, source: { registry, repository } }: ImageItem,
  { access, slots, signal, progress }: BringContext,
  kept?: KeptManifests,
): Promise<SlottedSource> {
  access.hosts?.require(registry, id);
  const from: RepositoryReader = (await access.registry(registry)).repository(repository);
  return new SlottedSource(from, {
    slots,
    host: registry,
    signal,
    atHand: async (digest) => await kept?.read(digest),
    onAsk: () => progress.started(),
  });
}

/** What an item's tag names at its registry now. @throws DepsError `DIGEST_MISSING` @throws RegistryError */
export async function resolveTag(item: ImageItem, source: SlottedSource): Promise<Digest> {
  const tag = item.source.type === "artifact" ? item.source.tag : undefined;
  if (tag === undefined || tag === "") {
    throw new DepsError("DIGEST_MISSING", `cannot fetch ${referenceOf(item)}: it has neither digest nor tag`, {
      item: item.id,
    });
  }
  const found = await source.resolve(tag);
  if (found !== undefined) return found.digest;
  const message = `${formatName(source.name, tag)} is not there`;
  throw new RegistryError("NOT_FOUND", message, { registry: source.name, reference: tag });
}

/** Reads an image's manifests, of which those below an index may be missing. @throws RegistryError @throws DepsError `CHART_LAYER` */
export async function readImage(
  item: ImageItem,
  digest: Digest,
  source: SlottedSource,
  signal: AbortSignal,
): Promise<SourceImage> {
  const manifest = await source.manifest(digest);
  wantedLayer(item, parseManifest(manifest));
  const below = await source.readAhead(manifest);
  const graph = await graphOf(source, withLeftOut(bareEntry(manifest.descriptor), below), { signal });
  requireAnyImage(graph, source.name);
  const root = withLeftOut(
    bareEntry(manifest.descriptor),
    graph.leftOut.map(({ descriptor }) => descriptor.digest),
  );
  const published = item.source.type === "image" ? item.source.index : undefined;
  if (published === undefined || published === digest) return { root, graphs: [graph], sizeBytes: sizeOf([graph]) };
  const { descriptor, bytes } = await source.manifest(published);
  if (!isIndexMediaType(descriptor.mediaType)) {
    const other = await graphOf(source, bareEntry(descriptor), { signal });
    return {
      root,
      graphs: [graph, other],
      index: { descriptor: bareEntry(descriptor), bytes },
      sizeBytes: sizeOf([graph, other]),
    };
  }
  const others = [...childDigests(parseManifest({ descriptor, bytes }))].filter((child) => child !== digest);
  const index = { descriptor: withLeftOut(bareEntry(descriptor), others), bytes };
  return { root, graphs: [graph], index, sizeBytes: sizeOf([graph]) + bytes.byteLength };
}

/** An index may list what its registry does not have, but not nothing else. @throws RegistryError `NOT_FOUND` */
function requireAnyImage({ manifests, leftOut, blobs }: Graph, registry: string): void {
  const [first] = leftOut;
  const isEmpty = blobs.length === 0 && manifests.every(({ descriptor }) => isIndexMediaType(descriptor.mediaType));
  if (first === undefined || !isEmpty) return;
  const reference = first.descriptor.digest;
  const message = `none of the ${leftOut.length} images that ${first.index} lists is there: not ${formatName(registry, reference)} either`;
  throw new RegistryError("NOT_FOUND", message, { registry, reference });
}

/** Copies what an image consists of, without names. @throws MirrorError `TRANSFER_FAILED` */
export async function copyImage(
  { graphs }: SourceImage,
  route: Route,
  onEvent: OnEvent,
  signal: AbortSignal,
): Promise<void> {
  const copier = new Copier({ label: "", ...route }, onEvent);
  const steps = new CopySteps();
  for (const graph of graphs) {
    const digest = graph.manifests.at(-1)?.descriptor.digest ?? "";
    steps.addImage({ copier, graph, tags: [], image: formatName("", digest) });
  }
  await runSteps(steps.steps, { inFlight, signal });
}

function childDigests(content: ReturnType<typeof parseManifest>): ReadonlySet<Digest> {
  return new Set(content.kind === "index" ? content.manifests.map(({ digest }) => digest) : []);
}

function sizeOf(graphs: readonly Graph[]): number {
  const sizes = new Map<Digest, number>();
  for (const { manifests, blobs } of graphs) {
    for (const { descriptor } of manifests) sizes.set(descriptor.digest, descriptor.size);
    for (const { digest, size } of blobs) sizes.set(digest, size);
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
