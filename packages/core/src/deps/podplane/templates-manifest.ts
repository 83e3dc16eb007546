import type * as z from "zod";
import {
  flag,
  formatManifest,
  listOf,
  mapOf,
  names,
  objectOf,
  ordered,
  type ParseManifestOptions,
  parseManifest,
  type Rest,
  text,
} from "./fields.ts";
import { formatImageRow, type ImageRow, imageRowShape } from "./image-row.ts";

/** A Helm chart. What is not written is empty, `false`. */
export interface TemplateChart {
  readonly name: string;
  readonly version: string;
  /** `oci` with a `url`, or `chart` with a `path`. */
  readonly type: string;
  /** With `oci://` or without. */
  readonly url: string;
  /** A folder with an unpacked chart, from the folder of the manifest on. */
  readonly path: string;
  /** Of the chart's OCI manifest, as it is written. */
  readonly digest: string;
  readonly dependencies: {
    /** The components the chart needs. */
    readonly components: readonly string[];
    readonly rest: Rest;
  };
  /** Whether the cache noted that it has it. */
  readonly cached: boolean;
  /** The chart's archive in the cache, as the cache noted it. */
  readonly chartLayerDigest: string;
  readonly rest: Rest;
}

/** An image that charts use. */
export interface TemplateImage extends ImageRow {
  /** Where a chart's values name it: `images.<value>`, by chart. */
  readonly templates: Readonly<Record<string, string>>;
}

/** Charts, and the images they use. */
export interface TemplatesManifest {
  readonly templates: {
    readonly version: string;
    readonly charts: readonly TemplateChart[];
    /** Empty in manifests of v0.1. */
    readonly images: readonly TemplateImage[];
    readonly rest: Rest;
  };
  readonly rest: Rest;
}

const chart: z.ZodType<TemplateChart> = objectOf({
  name: text,
  version: text,
  type: text,
  url: text,
  path: text,
  digest: text,
  dependencies: objectOf({ components: names }),
  cached: flag,
  chartLayerDigest: text,
});

const body: z.ZodType<TemplatesManifest["templates"]> = objectOf({
  version: text,
  charts: listOf(chart),
  images: listOf<TemplateImage>(objectOf({ ...imageRowShape, templates: mapOf(text) })),
});

/**
 * Reads a templates manifest.
 * @throws DepsError `MANIFEST_PARSE`
 */
export function parseTemplatesManifest(
  bytes: Uint8Array | string,
  options: ParseManifestOptions = {},
): TemplatesManifest {
  const { body: templates, rest } = parseManifest(bytes, "templates", body, options);
  return options.keepMarkers ? { templates, rest } : clearTemplatesMarkers({ templates, rest });
}

/** The text of a templates manifest as it is kept: {@link parseTemplatesManifest} gives the same manifest again. */
export function formatTemplatesManifest({ templates, rest }: TemplatesManifest): string {
  const { version, charts, images } = templates;
  const rows = images.map((image) => formatImageRow(image, {}, { templates: image.templates }));
  const known = { version, charts: charts.map(formatChart), images: rows };
  return formatManifest("templates", ordered(known, ["images"], templates.rest), rest);
}

/** The manifest without what a cache noted in it. */
export function clearTemplatesMarkers(manifest: TemplatesManifest): TemplatesManifest {
  const { charts, images } = manifest.templates;
  return {
    ...manifest,
    templates: {
      ...manifest.templates,
      charts: charts.map((one) => ({ ...one, cached: false, chartLayerDigest: "" })),
      images: images.map((one) => ({ ...one, cached: false })),
    },
  };
}

function formatChart({ dependencies, rest, ...one }: TemplateChart): ReadonlyMap<string, unknown> {
  const { name, version, type, url, path, digest, cached, chartLayerDigest } = one;
  const needs = ordered({ components: dependencies.components }, ["components"], dependencies.rest);
  const known = { name, version, type, url, path, digest, dependencies: needs, cached, chartLayerDigest };
  return ordered(known, ["url", "path", "digest", "cached", "chartLayerDigest"], rest);
}
