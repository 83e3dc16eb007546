import type * as z from "zod";
import {
  flag,
  formatManifest,
  listOf,
  names,
  objectOf,
  optionalObjectOf,
  ordered,
  type ParseManifestOptions,
  parseManifest,
  type Rest,
  text,
} from "./fields.ts";
import { formatImageRow, type ImageRow, imageRowShape } from "./image-row.ts";

/** A git repository and the one ref that is needed of it. */
export interface GitSource {
  readonly url: string;
  readonly ref: {
    readonly branch: string;
    readonly tag: string;
    readonly semver: string;
    readonly commit: string;
    readonly rest: Rest;
  };
  readonly rest: Rest;
}

/** An image of one or several components. */
export interface ComponentImage extends ImageRow {
  /** The components it belongs to; empty for images of none. */
  readonly components: readonly string[];
  /** Whether the manifest wrote the one component as `component`, as v0.1 does; it is written back so. */
  readonly isSingular: boolean;
  /** Cloud providers it is for; empty for all. */
  readonly providers: readonly string[];
  /** Whether it is wanted only with a component that was asked for by name. */
  readonly addon: boolean;
}

/** What a cluster's components need. */
export interface ComponentsManifest {
  readonly components: {
    readonly version: string;
    readonly source: GitSource | undefined;
    readonly images: readonly ComponentImage[];
    readonly rest: Rest;
  };
  readonly rest: Rest;
}

const row: z.ZodType<ComponentImage> = objectOf({
  ...imageRowShape,
  components: names,
  component: text,
  providers: names,
  addon: flag,
}).transform(({ component, components, ...others }) => {
  const isSingular = component !== "" && components.length === 0;
  const isNew = component !== "" && !components.includes(component);
  return { ...others, components: isNew ? [...components, component] : components, isSingular };
});

const body: z.ZodType<ComponentsManifest["components"]> = objectOf({
  version: text,
  source: optionalObjectOf({ url: text, ref: objectOf({ branch: text, tag: text, semver: text, commit: text }) }),
  images: listOf(row),
});

/**
 * Reads a components manifest, of v0.1 (`component`) or later (`components`).
 * @throws DepsError `MANIFEST_PARSE`
 */
export function parseComponentsManifest(
  bytes: Uint8Array | string,
  options: ParseManifestOptions = {},
): ComponentsManifest {
  const { body: components, rest } = parseManifest(bytes, "components", body, options);
  return options.keepMarkers ? { components, rest } : clearComponentsMarkers({ components, rest });
}

/** The text of a components manifest as it is kept: {@link parseComponentsManifest} gives the same manifest again. */
export function formatComponentsManifest({ components, rest }: ComponentsManifest): string {
  const { version, source, images } = components;
  const known = { version, source: source && formatSource(source), images: images.map(formatRow) };
  return formatManifest("components", ordered(known, ["source"], components.rest), rest);
}

/** The manifest without what a cache noted in it. */
export function clearComponentsMarkers(manifest: ComponentsManifest): ComponentsManifest {
  const images = manifest.components.images.map((image) => ({ ...image, cached: false }));
  return { ...manifest, components: { ...manifest.components, images } };
}

function formatSource({ url, ref, rest }: GitSource): ReadonlyMap<string, unknown> {
  const { branch, tag, semver, commit } = ref;
  const named = ordered({ branch, tag, semver, commit }, ["branch", "tag", "semver", "commit"], ref.rest);
  return ordered({ url, ref: named }, [], rest);
}

function formatRow(image: ComponentImage): ReadonlyMap<string, unknown> {
  const { components, isSingular, providers, addon } = image;
  const isOne = isSingular && components.length === 1;
  return formatImageRow(image, isOne ? { component: components[0] } : { components }, { providers, addon });
}
