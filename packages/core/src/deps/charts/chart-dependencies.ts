import { archivedChartYaml } from "./chart-archive.ts";
import { chartError } from "./chart-error.ts";
import type { ChartFiles } from "./chart-files.ts";
import { type ChartMetadata, parseChartYaml } from "./chart-yaml.ts";

/**
 * Makes sure that every chart a chart needs is in its `charts/`, as an archive or as a folder.
 * @throws DepsError `CHART_TYPE`
 */
export function requireDependencies(metadata: ChartMetadata, files: ChartFiles, chart: string): void {
  const wanted = metadata.dependencies.map(({ name }) => name);
  if (wanted.length === 0) return;
  const present = new Set([...files].map(([path, bytes]) => namedBy(path, bytes, chart)));
  const missing = [...new Set(wanted)].filter((name) => !present.has(name));
  if (missing.length === 0) return;
  throw chartError(
    chart,
    `it needs ${missing.join(", ")}, not found in its folder charts: fetch them with "helm dependency build"`,
  );
}

/** The name of the chart that a file of `charts/` is, or describes. */
function namedBy(path: string, bytes: Uint8Array, chart: string): string | undefined {
  const [folder, name = "", file, ...deeper] = path.split("/");
  if (folder !== "charts" || /^[._]/.test(name) || deeper.length > 0) return undefined;
  const isArchive = file === undefined && name.endsWith(".tgz");
  const chartYaml = isArchive ? archivedChartYaml(bytes) : file === "Chart.yaml" ? bytes : undefined;
  return chartYaml && parseChartYaml(chartYaml, undefined, `${chart}/charts/${name}`).name;
}
