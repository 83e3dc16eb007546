import { resolve } from "node:path";
import { parseItemDigest } from "../digest.ts";
import { compareBytes } from "../json.ts";
import type { DepsItem, DepsSource } from "../manifest.ts";
import type { CachePaths } from "./cache-paths.ts";
import { chartReference, chartRepository, requireChart } from "./charts.ts";
import type { GitSource } from "./components-manifest.ts";
import { gitRefOf } from "./git-source.ts";
import { sourceOf } from "./image-item.ts";
import { chartTag } from "./image-names.ts";
import type { SeedsManifest } from "./seeds-manifest.ts";
import type { TemplateChart } from "./templates-manifest.ts";
import { validateSnapshot } from "./validate.ts";
import { requireHttpUrl } from "./vmconfig-items.ts";

/** The layer of a Helm chart's image that holds the chart. */
export const chartLayerMediaType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/**
 * A chart, kept in the layout of its repository.
 * @throws DepsError `CHART_TYPE`, `REFERENCE_INVALID`, `NAME_UNSAFE`, and those of {@link parseItemDigest}
 */
export function chartItem(chart: TemplateChart, localFolder: string | undefined, paths: CachePaths): DepsItem {
  requireChart(chart, localFolder !== undefined);
  const { name, version, type, path } = chart;
  const { digest } = chartReference(chart);
  const tag = chartTag(version);
  return {
    id: `chart/${name}@${version}`,
    version,
    source: type === "oci" ? ociSource(chart) : { type: "chart", path: resolve(localFolder ?? "", path) },
    ...(type === "oci" && digest !== "" ? { digest: parseItemDigest(digest, name, { algorithms: ["sha256"] }) } : {}),
    selectors: {},
    sink: {
      type: "repository-layout",
      root: paths.templateCharts,
      repository: chartRepository(chart),
      tags: tag === "" ? [] : [tag],
    },
    labels: { domain: "templates", name },
  };
}

/**
 * The git repository of components, mirrored.
 * @throws DepsError `GIT_SOURCE`, `NAME_UNSAFE`
 */
export function gitItem(source: GitSource, paths: CachePaths): DepsItem {
  const ref = gitRefOf(source);
  const path = paths.gitRepository(source.url);
  return {
    id: `git/${path.slice(paths.git.length + 1)}`,
    version: ref.name,
    source: { type: "git", url: source.url, ref },
    selectors: {},
    sink: { type: "file", path, links: [] },
    labels: { domain: "components" },
  };
}

/**
 * All snapshots of seeds, by name.
 * @throws DepsError `SEED_SOURCE`, `URL_INVALID`, `NAME_UNSAFE`, and those of {@link validateSnapshot}
 */
export function snapshotItems(
  { seeds }: SeedsManifest,
  localFolder: string | undefined,
  paths: CachePaths,
): readonly DepsItem[] {
  const snapshots = Object.entries(seeds.snapshots).sort(([a], [b]) => compareBytes(a, b));
  return snapshots.map(([name, snapshot]) => {
    validateSnapshot(name, snapshot, localFolder !== undefined);
    const { path, url, digest, size } = snapshot;
    const isLocal = path !== "";
    return {
      id: `seed/${name}`,
      version: seeds.version,
      source: isLocal
        ? { type: "file", path: resolve(localFolder ?? "", path) }
        : { type: "http", urls: [requireHttpUrl(url, name)] },
      ...(isLocal ? {} : { digest: parseItemDigest(digest, name, { algorithms: ["sha512"] }), size }),
      selectors: {},
      sink: { type: "file", path: paths.seedSnapshot(name, seeds.version, snapshot), links: [] },
      labels: { domain: "seeds", name },
    };
  });
}

function ociSource(chart: TemplateChart): DepsSource {
  const { registry, repository } = sourceOf(chart.url.replace(/^oci:\/\//, ""));
  const { tag } = chartReference(chart);
  return {
    type: "artifact",
    registry,
    repository,
    ...(tag === "" ? {} : { tag }),
    layerMediaType: chartLayerMediaType,
  };
}
