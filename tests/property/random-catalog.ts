import { digestHex, MemoryRegistry, referrersTag } from "@tranship/registry";
import {
  aBlob,
  aLayer,
  anArtifact,
  anImage,
  anIndex,
  type BuiltBlob,
  type BuiltImage,
  type BuiltIndex,
  seedMemory,
} from "@tranship/registry/testing";
import fc from "fast-check";

/** A source's packages and modules as plain data: small numbers that stand for tags, layers and what is attached. */
export interface CatalogPlan {
  /** Sizes of the layers there are, in bytes; images share them by number. */
  readonly layerSizes: readonly number[];
  readonly names: readonly NamePlan[];
}

/** One name of a catalog. */
export interface NamePlan {
  readonly kind: "packages" | "modules";
  readonly name: number;
  readonly versions: readonly VersionPlan[];
  /** Which version each channel names, by number; one of many names a version that does not exist. */
  readonly channels: readonly { readonly channel: number; readonly points: number; readonly file: number }[];
}

interface VersionPlan {
  readonly tag: number;
  readonly layers: readonly number[];
  readonly shape: number;
  /** Images it lists by digest; some of them are not there. */
  readonly internal: readonly number[];
  /** Extra images it lists by name and tag; some of them are not there. */
  readonly extras: readonly number[];
  /** What hangs on it: kinds of attachments, by number. */
  readonly attached: readonly number[];
  /** Whether its release metadata is there. */
  readonly isReleased: boolean;
}

const number = fc.nat({ max: 1000 });

/** Tags as registries have them: versions, prereleases, and names that are none. */
const tags = ["v1.0.0", "v1.0.1", "v1.1.0", "v2.0.0-rc.1", "v0.4.2", "v0.5.1", "v2.0.0", "1.2.3", "v1.2", "bobV1"];
const names = ["app", "net", "versions"];
const channels = ["alpha", "beta", "early-access", "stable", "rock-solid", "lts"];
const metadataOf = { packages: "version", modules: "release" } as const;

const versionPlan: fc.Arbitrary<VersionPlan> = fc.record({
  tag: number,
  layers: fc.array(number, { maxLength: 3 }),
  shape: number,
  internal: fc.array(number, { maxLength: 3 }),
  extras: fc.array(number, { maxLength: 2 }),
  attached: fc.array(number, { maxLength: 3 }),
  isReleased: fc.boolean(),
});

/** Any small product, with pieces missing here and there. */
export const catalogPlan: fc.Arbitrary<CatalogPlan> = fc.record({
  layerSizes: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3000 }), fc.constant(90_000)), {
    minLength: 1,
    maxLength: 5,
  }),
  names: fc.uniqueArray(
    fc.record({
      kind: fc.constantFrom("packages" as const, "packages" as const, "modules" as const),
      name: fc.nat({ max: names.length - 1 }),
      versions: fc.uniqueArray(versionPlan, { maxLength: 4, selector: ({ tag }) => tag % tags.length }),
      channels: fc.uniqueArray(fc.record({ channel: number, points: number, file: number }), {
        maxLength: 4,
        selector: ({ channel }) => channel % channels.length,
      }),
    }),
    { minLength: 1, maxLength: 4, selector: ({ kind, name }) => `${kind}/${name}` },
  ),
});

/** The source a plan stands for; the same plan gives the same bytes. */
export function buildCatalog({ layerSizes, names: all }: CatalogPlan): MemoryRegistry {
  const source = new MemoryRegistry({ name: "source" });
  // empty ones, ones that are no archives and cannot be read, and others
  const layers = layerSizes.map((size, at) =>
    size === 0
      ? aBlob({ size: 0 })
      : size === 1
        ? aBlob({ size: 100 })
        : aLayer({ size, seed: at, gzip: at % 2 === 0 }),
  );
  for (const plan of all) seedName(source, plan, layers);
  return source;
}

/** The names and tags of a plan, to choose from. */
export function namesOf({ names: all }: CatalogPlan): readonly (Pick<NamePlan, "kind"> & {
  readonly name: string;
  readonly tags: readonly string[];
})[] {
  return all.map(({ kind, name, versions }) => ({
    kind,
    name: pick(names, name),
    tags: versions.map(({ tag }) => pick(tags, tag)),
  }));
}

function seedName(source: MemoryRegistry, plan: NamePlan, layers: readonly BuiltBlob[]): void {
  const { kind, versions } = plan;
  const name = pick(names, plan.name);
  const path = `${kind}/${name}`;
  seedMemory(source, kind, [anImage({ tag: name })]);
  for (const version of versions) {
    const tag = pick(tags, version.tag);
    const image = versionImage(source, path, tag, version, layers);
    attach(source, path, image, version.attached);
    if (version.isReleased) seedMemory(source, `${path}/${metadataOf[kind]}`, [anImage({ tag, files: { tag } })]);
  }
  for (const { channel, points, file } of plan.channels) {
    const version = versions.length === 0 || points % 5 === 0 ? "v9.9.9" : pick(tags, pick(versions, points).tag);
    seedMemory(source, `${path}/${metadataOf[kind]}`, [
      anImage({ tag: pick(channels, channel), files: channelFiles(version, file) }),
    ]);
  }
}

/** Most channels say what they stand for; some have no such file, an empty version, or nonsense in its place. */
function channelFiles(version: string, file: number): Readonly<Record<string, string>> {
  if (file % 10 === 0) return { "readme.txt": "nothing here" };
  if (file % 11 === 0) return { "version.json": JSON.stringify({ version: "" }) };
  if (file % 37 === 0) return { "version.json": "{" };
  return { "version.json": JSON.stringify({ version }) };
}

/** Seeds a version with what it lists; gives what its tag names. */
function versionImage(
  source: MemoryRegistry,
  path: string,
  tag: string,
  { layers: own, shape, internal, extras }: VersionPlan,
  layers: readonly BuiltBlob[],
): BuiltImage | BuiltIndex {
  const listed = internal.map((at) => anImage({ seed: `internal ${at % 4}`, size: 200 }));
  for (const [at, image] of listed.entries()) if ((internal[at] ?? 0) % 7 !== 0) seedMemory(source, path, [image]);
  const wanted = extras.map((at) => ({ name: `extra-${at % 3}`, tag: `v${at % 2}`, isThere: at % 7 !== 0 }));
  for (const extra of wanted.filter(({ isThere }) => isThere)) {
    const image = anImage({ tag: extra.tag, seed: `${extra.name} ${extra.tag}`, size: 300 });
    seedMemory(source, `${path}/extra/${extra.name}`, [image]);
    if (extra.tag === "v1") attach(source, `${path}/extra/${extra.name}`, image, [0]);
  }
  const digests = Object.fromEntries(listed.map(({ manifest }, at) => [`image${at}`, manifest.descriptor.digest]));
  const top = aLayer({
    size: 0,
    seed: tag,
    files: {
      tag,
      ...(listed.length > 0 ? { "images_digests.json": JSON.stringify({ common: digests }) } : {}),
      ...(wanted.length > 0
        ? { "extra_images.json": JSON.stringify(Object.fromEntries(wanted.map((one) => [one.name, one.tag]))) }
        : {}),
    },
  });
  const content = [...new Set([...own.map((at) => pick(layers, at)), top])];
  const isPlain = shape % 3 > 0;
  const docker = shape % 3 === 1;
  const platforms = [
    { architecture: "amd64", os: "linux" },
    { architecture: "arm64", os: "linux" },
  ];
  const image = anImage({ ...(isPlain ? { tag } : {}), layers: content, seed: tag, docker });
  const other = anImage({ layers: content, seed: `${tag} arm64`, platform: { architecture: "arm64", os: "linux" } });
  const whole = isPlain ? image : anIndex({ tag, images: [image, other], platforms });
  seedMemory(source, path, [whole]);
  return whole;
}

/** Attaches things to an image in every way there is: under a cosign tag, as a referrer, and under a fallback tag. */
function attach(
  source: MemoryRegistry,
  path: string,
  image: BuiltImage | BuiltIndex,
  attached: readonly number[],
): void {
  const { digest } = image.manifest.descriptor;
  for (const [at, kind] of attached.entries()) {
    const suffix = pick(["att", "sig", "sbom"], at);
    if (kind % 4 === 0) seedMemory(source, path, [anImage({ tag: `sha256-${digestHex(digest)}.${suffix}`, size: 50 })]);
    else {
      const artifactType = pick(["application/vnd.openvex+json", "application/vnd.example.signature"], kind);
      const artifact = anArtifact({ subject: image, artifactType, content: `${artifactType} ${at}` });
      const own = anArtifact({ subject: artifact, artifactType: "application/vnd.example.signature", content: "own" });
      seedMemory(source, path, kind % 4 === 1 ? [artifact, own] : [artifact]);
      if (kind % 4 === 2) seedMemory(source, path, [anIndex({ tag: referrersTag(digest), images: [artifact] })]);
    }
  }
}

function pick<One>(all: readonly One[], at: number): One {
  const one = all[at % all.length];
  if (one === undefined) throw new RangeError("nothing to pick from");
  return one;
}
