import { readFile } from "node:fs/promises";
import {
  Annotation,
  type Blob,
  type Descriptor,
  type Digest,
  defaultMaxManifestBytes,
  manifestOf,
  openBytes,
  parseManifest,
} from "@tranship/registry";
import { isMirrorError } from "../../errors.ts";
import { refNameOf } from "../../layout/index-file.ts";
import type { LayoutDirectory } from "../../layout/layout-directory.ts";
import { layoutTagOf, untaggedEntry } from "../../layout/layout-entry.ts";
import type { LayoutIndex } from "../../layout/layout-index.ts";
import type { BringContext, ItemContent, ProbeContext } from "../jobs/item-job.ts";
import type { LayoutSink, RepositoryLayoutSink } from "../manifest.ts";
import type { Presence } from "../plan.ts";
import { type ChartBlob, chartConfigMediaType, chartLayerMediaType } from "./chart-image.ts";
import type { PackedChart } from "./pack-chart.ts";

/** What entries of a layout's index are called, and what ours are to be called. */
interface Naming {
  readonly names: readonly string[];
  readonly nameOf: (entry: Descriptor) => string | undefined;
}

function namingOf(sink: RepositoryLayoutSink | LayoutSink): Naming {
  if (sink.type === "layout") return { names: sink.names, nameOf: refNameOf };
  return { names: sink.tags, nameOf: layoutTagOf };
}

/** The parts of a packed chart's image. */
export function partsOf({ config, archive, manifest }: PackedChart): readonly ChartBlob[] {
  const { digest, size } = manifest.descriptor;
  return [config, archive, { digest, size, bytes: manifest.bytes }];
}

/** Whether a layout has a packed chart, whole, under all names it is to have. */
export async function keptPresence(
  chart: PackedChart,
  sink: RepositoryLayoutSink | LayoutSink,
  directory: LayoutDirectory,
  { contents, isDeep, signal }: ProbeContext,
): Promise<Presence> {
  const index = await readableIndex(directory);
  if (index === undefined) return "absent";
  const { names, nameOf } = namingOf(sink);
  const { digest } = chart.manifest.descriptor;
  const named = names.map((name) => index.descriptors.findLast((entry) => nameOf(entry) === name)?.digest);
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
export async function keepChart(
  chart: PackedChart,
  sink: RepositoryLayoutSink | LayoutSink,
  directory: LayoutDirectory,
  { contents, isDeep, signal, progress }: BringContext,
): Promise<void> {
  for (const part of partsOf(chart)) {
    const path = directory.fileOf(part.digest);
    if ((await contents.check(path, part, { isDeep, signal })) !== "present") {
      await directory.writeBlob(part, openBytes(part.bytes)(0), signal);
      await contents.note(path, part.digest);
    }
    progress.add(part.size);
  }
  const { names, nameOf } = namingOf(sink);
  const { descriptor } = chart.manifest;
  const isOurs = (entry: Descriptor) => names.includes(nameOf(entry) ?? "");
  const packed = await packedCharts((await directory.index())?.descriptors.filter(isOurs) ?? [], directory);
  let gone: ReadonlySet<Digest> = new Set();
  await directory.change(({ descriptors }) => {
    const others = descriptors.filter((entry) => !isOurs(entry));
    const digests = new Set(others.map(({ digest }) => digest)).add(descriptor.digest);
    if (names.length === 0)
      return others.some(({ digest }) => digest === descriptor.digest) ? descriptors : [...others, descriptor];
    const lost = descriptors.filter((entry) => !digests.has(entry.digest));
    gone = new Set(lost.map(({ digest }) => digest).filter((digest) => packed.has(digest)));
    return [
      ...others.filter((entry) => entry.digest !== descriptor.digest || nameOf(entry) !== undefined),
      ...lost.filter(({ digest }) => !gone.has(digest)).map(untaggedEntry),
      ...names.map((name) => ({ ...descriptor, annotations: { [Annotation.refName]: name } })),
    ];
  });
  for (const digest of gone) await directory.removeBlob(digest); // last: what is listed has its file
}

/** What is kept of the chart under a sink's names; `undefined` when it is no chart, or nothing is. */
export async function keptContent(
  sink: RepositoryLayoutSink | LayoutSink,
  directory: LayoutDirectory,
): Promise<ItemContent | undefined> {
  const index = await readableIndex(directory);
  const { names, nameOf } = namingOf(sink);
  const entry = index?.descriptors.findLast((one) => nameOf(one) === names[0]);
  if (entry === undefined || names.length === 0) return undefined;
  const parts = await chartParts(entry, directory);
  return parts && contentOf(entry, parts.config, parts.layer, directory);
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
    const bytes = await readFile(directory.fileOf(entry.digest));
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
