import type { Registry } from "@tranship/registry";
import { aLayer, anImage } from "@tranship/registry/testing";

/** One package of a made-up product. */
export interface ProductPackage {
  readonly name: string;
  readonly versions: readonly string[];
  /** Which version each release channel points at. */
  readonly channels: Readonly<Record<string, string>>;
  /** Bytes of a version's own layer. @defaultValue 20000 */
  readonly layerBytes?: number;
}

/** Two packages, several versions, five channels. */
export const smallProduct: readonly ProductPackage[] = [
  {
    name: "console",
    versions: ["v1.44.0", "v1.45.1", "v1.45.2", "v1.46.0"],
    channels: {
      alpha: "v1.46.0",
      beta: "v1.46.0",
      "early-access": "v1.45.2",
      stable: "v1.45.2",
      "rock-solid": "v1.45.1",
    },
  },
  {
    name: "alb",
    versions: ["v1.0.2", "v1.0.3", "v1.1.0"],
    channels: { alpha: "v1.1.0", beta: "v1.1.0", "early-access": "v1.0.3", stable: "v1.0.3", "rock-solid": "v1.0.3" },
  },
];

type Image = ReturnType<typeof anImage>;

/** Stores an image with all it needs under its tags. */
export async function pushImage(registry: Registry, path: string, image: Image): Promise<void> {
  const repository = registry.repository(path);
  for (const blob of image.blobs) {
    await repository.pushBlob(blob, async function* (offset) {
      yield blob.bytes.subarray(offset);
    });
  }
  await repository.pushManifest(image.manifest, { tags: image.tags });
}

/** Fills a registry with a product the way a vendor publishes one. */
export async function seedProduct(
  registry: Registry,
  packages: readonly ProductPackage[] = smallProduct,
): Promise<void> {
  for (const { name, versions, channels, layerBytes = 20_000 } of packages) {
    await pushImage(registry, "packages", anImage({ tag: name, files: { name } }));
    const base = aLayer({ files: { "etc/base": name }, size: layerBytes, seed: `${name} base` });
    for (const version of versions) {
      const own = aLayer({ files: { "bin/app": version }, size: layerBytes, seed: `${name} ${version}` });
      await pushImage(registry, `packages/${name}`, anImage({ tag: version, layers: [base, own] }));
      const pointing = Object.keys(channels).filter((channel) => channels[channel] === version);
      const files = { "version.json": JSON.stringify({ version }), "changelog.yaml": `${name} ${version}\n` };
      await pushImage(registry, `packages/${name}/version`, anImage({ tags: [version, ...pointing], files }));
    }
  }
}
