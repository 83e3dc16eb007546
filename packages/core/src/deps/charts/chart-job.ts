import { join } from "node:path";
import { isMirrorError } from "../../errors.ts";
import type { LayoutDirectory } from "../../layout/layout-directory.ts";
import { DepsError } from "../errors.ts";
import { imageError } from "../images/image-error.ts";
import type { BringContext, ItemContent, ItemJob, ProbeContext } from "../jobs/item-job.ts";
import type { ChartDirectorySource, DepsItem, LayoutSink, PushSink, RepositoryLayoutSink } from "../manifest.ts";
import { chartPlace, contentOf, keepChart, keptContent, keptPresence, partsOf, requireTags } from "./keep-chart.ts";
import { type PackedChart, packChart } from "./pack-chart.ts";
import { pushChart } from "./push-chart.ts";

/**
 * Packs Helm charts of this machine and keeps them in image layouts, or pushes them. Packing takes little, so a chart is
 * packed to find out whether it is there as it is now; of one that goes to a registry only that can tell.
 */
export const chartJob: ItemJob = {
  probe: async (item, context) => await wrapped(item, context, probe),
  bring: async (item, context) => await wrapped(item, context, bring),
  content: async (item, context) => await wrapped(item, context, content),
};

async function probe(item: DepsItem, context: ProbeContext) {
  const { source, sink } = partsFor(item);
  const chart = await packChart(source.path, context);
  if (sink.type === "push") {
    requireTags(sink.tags);
    return "absent";
  }
  if (item.digest !== undefined && item.digest !== chart.manifest.descriptor.digest) return "differs";
  const place = await chartPlace(sink, context.contents, false);
  return place === undefined ? "absent" : await keptPresence(chart, place, context);
}

async function bring(item: DepsItem, context: BringContext): Promise<ItemContent> {
  const { source, sink } = partsFor(item);
  const { signal, contents, progress, staging } = context;
  const chart = await packChart(source.path, { signal });
  requireDigest(item, chart);
  progress.total(partsOf(chart).reduce((sum, { size }) => sum + size, 0));
  if (sink.type === "push") {
    requireTags(sink.tags);
    await pushChart(chart, item, sink, context);
    return packedContent(chart);
  }
  progress.started();
  const root = sink.type === "layout" ? sink.path : sink.root;
  await staging.prepare(join(root, "index.json")); // its folder, which no link leads out of the cache to
  const place = await chartPlace(sink, contents, true);
  if (place !== undefined) await keepChart(chart, place, context);
  return packedContent(chart, place?.store.layout(place.repository));
}

async function content(item: DepsItem, context: ProbeContext): Promise<ItemContent> {
  const { source, sink } = partsFor(item);
  const place = sink.type === "push" ? undefined : await chartPlace(sink, context.contents, false);
  const kept = place && (await keptContent(place));
  return kept ?? packedContent(await packChart(source.path, context), place?.store.layout(place.repository));
}

/** What a layout says of itself is told of the item, as all failures are. */
async function wrapped<Context extends ProbeContext, Value>(
  item: DepsItem,
  context: Context,
  work: (item: DepsItem, context: Context) => Promise<Value>,
): Promise<Value> {
  try {
    return await work(item, context);
  } catch (error) {
    if (!isMirrorError(error)) throw error;
    throw imageError(error, { item: item.id, reference: item.id }, context.signal);
  }
}

function packedContent({ manifest, config, archive }: PackedChart, directory?: LayoutDirectory): ItemContent {
  return contentOf(manifest.descriptor, config, archive, directory);
}

/** A chart that is packed is pinned by nobody as a rule: its digest is what this machine makes. */
function requireDigest({ id, digest }: DepsItem, { manifest }: PackedChart): void {
  const actual = manifest.descriptor.digest;
  if (digest === undefined || digest === actual) return;
  const message = `cannot pack ${id}: its image is ${actual}, not ${digest}`;
  throw new DepsError("DIGEST_MISMATCH", message, { item: id, expected: digest, actual });
}

function partsFor({ id, source, sink }: DepsItem): {
  readonly source: ChartDirectorySource;
  readonly sink: RepositoryLayoutSink | LayoutSink | PushSink;
} {
  if (source.type === "chart" && sink.type !== "file") return { source, sink };
  const message = `cannot keep ${id}: what comes from a source of type ${source.type} is no ${sink.type}`;
  throw new DepsError("SINK_UNSUITABLE", message, { item: id, source: source.type, sink: sink.type });
}
