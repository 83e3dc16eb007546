import { stat } from "node:fs/promises";
import { join } from "node:path";
import { parseItemDigest, writtenDigestHex } from "../../digest.ts";
import { DepsError, isDepsError } from "../../errors.ts";
import { onDiskIfAny } from "../../file-error.ts";
import type { TemplateChart } from "../templates-manifest.ts";
import { supportedArchs } from "../well-known.ts";
import { readCached } from "./cached-manifest.ts";
import { download } from "./download.ts";
import type { ManagerContext } from "./manager-context.ts";
import type { PodplaneCallOptions } from "./options.ts";
import { notCached } from "./verify.ts";

/** A chart in the cache. */
export interface CachedChart {
  readonly chart: TemplateChart;
  /** Its archive: a gzipped tar file. */
  readonly path: string;
}

/** A chart that is noted as cached; see {@link PodplaneDeps.cachedTemplateChart}. */
export async function cachedChart({ paths, spots }: ManagerContext, name: string): Promise<CachedChart> {
  const cached = await readCached(spots.templates);
  if (cached === undefined) throw notCached(spots.templates.stem, spots.templates.paths.latest);
  const chart = cached.manifest.templates.charts.find((one) => one.name === name);
  if (chart === undefined) throw unknownChart(name);
  const folder = paths.templateChart(chart);
  if (chart.cached && chart.chartLayerDigest !== "") {
    const digest = parseItemDigest(chart.chartLayerDigest, `chart ${name}`, { algorithms: ["sha256"] });
    const path = join(folder, "blobs", "sha256", writtenDigestHex(digest));
    const found = await onDiskIfAny(path, () => stat(path));
    if (found?.isFile()) return { chart, path };
  }
  throw new DepsError("NOT_CACHED", `chart ${name} is not cached in ${folder}`, { path: folder });
}

/** A chart, once it is there; see {@link PodplaneDeps.ensureTemplateChart}. */
export async function ensureChart(
  context: ManagerContext,
  name: string,
  options: PodplaneCallOptions,
): Promise<CachedChart> {
  try {
    return await cachedChart(context, name);
  } catch (error) {
    if (!isDepsError(error)) throw error; // whatever is wrong with it, it is fetched anew
  }
  await download(context, {
    ...options,
    arch: supportedArchs[0] ?? "", // charts are for every one
    only: ["templates"],
    narrow: ({ templates }) => {
      if (templates === undefined) return {};
      const charts = templates.manifest.templates.charts.filter((one) => one.name === name);
      if (charts.length === 0) throw unknownChart(name);
      const narrowed = { ...templates.manifest.templates, charts, images: [] };
      return { templates: { ...templates, manifest: { ...templates.manifest, templates: narrowed } } };
    },
  });
  return cachedChart(context, name);
}

function unknownChart(chart: string): DepsError<"CHART_TYPE"> {
  const reason = "the manifest has no such chart";
  return new DepsError("CHART_TYPE", `cannot use chart ${chart}: ${reason}`, { chart, type: "", reason });
}
