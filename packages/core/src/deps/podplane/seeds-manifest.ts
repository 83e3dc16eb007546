import type * as z from "zod";
import {
  flag,
  formatManifest,
  mapOf,
  mapValues,
  objectOf,
  ordered,
  type ParseManifestOptions,
  parseManifest,
  type Rest,
  size,
  text,
} from "./fields.ts";

/** A snapshot a cluster starts from: either at a `url`, or a local file. What is not written is empty, 0, `false`. */
export interface SeedSnapshot {
  /** A file, from the folder of the manifest on. */
  readonly path: string;
  readonly url: string;
  /** SHA-512, as it is written. */
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  /** Whether the cache noted that it has it. */
  readonly cached: boolean;
  readonly rest: Rest;
}

/** What clusters start from. */
export interface SeedsManifest {
  readonly seeds: {
    readonly version: string;
    /** The version of the components they belong to. */
    readonly components: string;
    /** By name. */
    readonly snapshots: Readonly<Record<string, SeedSnapshot>>;
    readonly rest: Rest;
  };
  readonly rest: Rest;
}

const body: z.ZodType<SeedsManifest["seeds"]> = objectOf({
  version: text,
  components: text,
  snapshots: mapOf<SeedSnapshot>(objectOf({ path: text, url: text, digest: text, size, cached: flag })),
});

/**
 * Reads a seeds manifest.
 * @throws DepsError `MANIFEST_PARSE`
 */
export function parseSeedsManifest(bytes: Uint8Array | string, options: ParseManifestOptions = {}): SeedsManifest {
  const { body: seeds, rest } = parseManifest(bytes, "seeds", body, options);
  return options.keepMarkers ? { seeds, rest } : clearSeedsMarkers({ seeds, rest });
}

/** The text of a seeds manifest as it is kept: {@link parseSeedsManifest} gives the same manifest again. */
export function formatSeedsManifest({ seeds, rest }: SeedsManifest): string {
  const { version, components } = seeds;
  const snapshots = mapValues(seeds.snapshots, formatSnapshot);
  return formatManifest("seeds", ordered({ version, components, snapshots }, [], seeds.rest), rest);
}

/** The manifest without what a cache noted in it. */
export function clearSeedsMarkers(manifest: SeedsManifest): SeedsManifest {
  const entries = Object.entries(manifest.seeds.snapshots);
  const snapshots = Object.fromEntries(entries.map(([name, one]) => [name, { ...one, cached: false }]));
  return { ...manifest, seeds: { ...manifest.seeds, snapshots } };
}

function formatSnapshot({ path, url, digest, size, cached, rest }: SeedSnapshot): ReadonlyMap<string, unknown> {
  return ordered({ path, url, digest, size, cached }, ["path", "url", "digest", "size", "cached"], rest);
}
