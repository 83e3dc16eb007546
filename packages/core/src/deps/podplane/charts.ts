import { DepsError } from "../errors.ts";
import { requirePathSegment } from "../path-segment.ts";
import { chartTag, splitImageName } from "./image-names.ts";
import { requireRepository } from "./repository-path.ts";
import type { TemplateChart } from "./templates-manifest.ts";

/** Where charts without a URL are kept. */
const localRepository = "podplane.local/templates";

/**
 * The repository of a chart in the chart store: its URL without scheme, tag and digest, or one of its own by its name.
 * @throws DepsError `NAME_UNSAFE`
 */
export function chartRepository({ name, url }: Pick<TemplateChart, "name" | "url">): string {
  if (url === "")
    return requireRepository(`${localRepository}/${requirePathSegment(name, "chart name")}`, "repository");
  return requireRepository(splitImageName(withoutScheme(url)).name, `repository of chart ${name}`);
}

/** What is asked of a chart's repository: its digest, else that of its URL, else the URL's tag, else its version as a tag. */
export function chartReference({ url, digest, version }: Pick<TemplateChart, "url" | "digest" | "version">): {
  readonly tag: string;
  readonly digest: string;
} {
  const written = splitImageName(withoutScheme(url));
  return { tag: written.tag || chartTag(version), digest: digest || written.digest };
}

/**
 * Makes sure that a chart has what its type needs. A folder may be named by a local manifest only: a fetched one has no
 * business with our files.
 * @throws DepsError `CHART_TYPE`
 */
export function requireChart(chart: Pick<TemplateChart, "name" | "type" | "url" | "path">, isLocal: boolean): void {
  const { name, type } = chart;
  const reason = faultOf(chart, isLocal);
  if (reason !== undefined)
    throw new DepsError("CHART_TYPE", `cannot use chart ${name}: ${reason}`, { chart: name, type, reason });
}

function faultOf({ type, url, path }: Pick<TemplateChart, "type" | "url" | "path">, isLocal: boolean) {
  if (type === "oci") return url === "" ? "it has no url" : undefined;
  if (type !== "chart") return `its type is ${JSON.stringify(type.slice(0, 100))}, neither oci nor chart`;
  if (path === "") return "it has no path";
  return isLocal ? undefined : "a manifest that is not local may not name local folders";
}

function withoutScheme(url: string): string {
  return url.replace(/^oci:\/\//, "");
}
