import type { Manifest } from "@tranship/registry";
import { encodeChartArchive } from "./chart-archive.ts";
import { requireDependencies } from "./chart-dependencies.ts";
import { chartError } from "./chart-error.ts";
import { readChartFiles } from "./chart-files.ts";
import { type ChartBlob, chartBlob, chartConfig, chartManifest } from "./chart-image.ts";
import { parseChartYaml } from "./chart-yaml.ts";

/** A Helm chart as an image, in memory. */
export interface PackedChart {
  readonly name: string;
  readonly version: string;
  /** The layer: what `helm package` writes into `<name>-<version>.tgz`. */
  readonly archive: ChartBlob;
  /** Its `Chart.yaml` as JSON. */
  readonly config: ChartBlob;
  readonly manifest: Manifest;
}

/** Options of {@link packChart}. */
export interface PackChartOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Packs the unpacked Helm chart in a folder as `helm package` and `helm push` do, without Helm. Equal files give equal bytes,
 * wherever and whenever they are packed and whatever their modes and times; but the compressor is Node's, and another
 * version of Node may give the archive, and so the image, another digest.
 *
 * Files are taken as they are, `Chart.yaml` too. What `.helmignore` names is left out. Symbolic links are followed within
 * the chart. Charts it depends on are packed as they lie in `charts/`. At most 5 MiB a file and 100 MiB a chart, as Helm
 * loads no more.
 * @throws DepsError `CHART_TYPE`, `TOO_LARGE`, `FILE_FAILED`
 * @see Helm documentation, "Helm Package" and "Use OCI-based registries"
 */
export async function packChart(directory: string, { signal }: PackChartOptions = {}): Promise<PackedChart> {
  const files = await readChartFiles(directory, signal);
  const chartYaml = files.get("Chart.yaml");
  if (chartYaml === undefined) throw chartError(directory, "it has no Chart.yaml");
  const metadata = parseChartYaml(chartYaml, files.get("requirements.yaml"), directory);
  requireDependencies(metadata, files, directory);
  const archive = chartBlob(await encodeChartArchive(metadata.name, files));
  signal?.throwIfAborted();
  const config = chartBlob(chartConfig(metadata));
  const { name, version } = metadata;
  return { name, version, archive, config, manifest: chartManifest(metadata, config, archive) };
}
