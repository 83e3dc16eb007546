import { type Blob, blobOf, type Manifest, MediaType, manifestOf } from "@tranship/registry";
import { compareBytes } from "../json.ts";
import type { ChartMetadata } from "./chart-yaml.ts";

/** The layer of a chart's image: its archive. */
export const chartLayerMediaType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/** The config of a chart's image: its `Chart.yaml` as JSON. */
export const chartConfigMediaType = "application/vnd.cncf.helm.config.v1+json";

/** A part of an image, in memory. */
export interface ChartBlob extends Blob {
  readonly bytes: Uint8Array;
}

/** Bytes with their digest. */
export function chartBlob(bytes: Uint8Array): ChartBlob {
  return { ...blobOf(bytes), bytes };
}

/** The config that `helm push` gives a chart: what Helm knows of its `Chart.yaml`, in Helm's order. */
export function chartConfig(metadata: ChartMetadata): Uint8Array {
  return jsonOf({
    name: printableText(metadata.name),
    home: printableText(metadata.home),
    sources: metadata.sources.map(printableText),
    version: printableText(metadata.version),
    description: printableText(metadata.description),
    keywords: metadata.keywords.map(printableText),
    maintainers: metadata.maintainers.map(({ name, email, url }) =>
      withoutEmpty({ name: printableText(name), email: printableText(email), url: printableText(url) }),
    ),
    icon: printableText(metadata.icon),
    apiVersion: metadata.apiVersion,
    condition: printableText(metadata.condition),
    tags: printableText(metadata.tags),
    appVersion: printableText(metadata.appVersion),
    deprecated: metadata.deprecated,
    annotations: sorted(metadata.annotations),
    kubeVersion: printableText(metadata.kubeVersion),
    dependencies: metadata.dependencies.map(({ name, repository, tags, "import-values": values, ...rest }) => ({
      name: printableText(name),
      ...withoutEmpty({ version: printableText(rest.version) }),
      repository: printableText(repository),
      ...withoutEmpty({
        condition: printableText(rest.condition),
        tags: tags.map(printableText),
        enabled: rest.enabled,
        "import-values": values.map(sorted),
        alias: rest.alias,
      }),
    })),
    type: metadata.type,
  });
}

/**
 * The manifest of a chart's image, annotated as `helm push` does; but without the moment it was made at, which would make
 * another image of the same chart each time.
 */
export function chartManifest(metadata: ChartMetadata, config: ChartBlob, archive: ChartBlob): Manifest {
  const { name, version, annotations } = metadata;
  const own: Record<string, string> = {
    "org.opencontainers.image.description": printableText(metadata.description),
    "org.opencontainers.image.title": name,
    "org.opencontainers.image.version": version,
    "org.opencontainers.image.url": printableText(metadata.home),
    "org.opencontainers.image.source": printableText(metadata.sources[0] ?? ""),
    "org.opencontainers.image.authors": authorsOf(metadata),
    ...annotations,
  };
  own["org.opencontainers.image.title"] = name; // whatever the chart's own annotations say
  own["org.opencontainers.image.version"] = version;
  const bytes = jsonOf({
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: { mediaType: chartConfigMediaType, digest: config.digest, size: config.size },
    layers: [{ mediaType: chartLayerMediaType, digest: archive.digest, size: archive.size }],
    annotations: sorted(
      Object.fromEntries(Object.entries(own).filter(([key, value]) => value.trim() !== "" || key in annotations)),
    ),
  });
  return manifestOf(bytes, MediaType.ociManifest);
}

function authorsOf({ maintainers }: ChartMetadata): string {
  const authors = maintainers.map(({ name, email }) => printableText(email === "" ? name : `${name} (${email})`));
  return authors.join(", ");
}

/** JSON as Go writes it: no empty fields, and no characters that mean something in HTML. */
function jsonOf(fields: Record<string, unknown>): Uint8Array {
  const text = JSON.stringify(withoutEmpty(fields)).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return new TextEncoder().encode(text);
}

function withoutEmpty(fields: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value)));
}

function isEmpty(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === "" || value === false || value === undefined;
}

/** Keys in the order of their bytes, at every depth. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => compareBytes(a, b));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

/** White space becomes spaces; what cannot be printed goes. */
function printableText(text: string): string {
  return text.replace(/[\s\u0085]/gu, " ").replace(/[^ \p{L}\p{M}\p{N}\p{P}\p{S}]/gu, "");
}
