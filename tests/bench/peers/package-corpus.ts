import { createRegistry } from "@tranship/registry";
import { aLayer, anImage } from "@tranship/registry/testing";
import { pushAll } from "../../support/push-all.ts";
import type { Corpus } from "./corpus.ts";

const versions = ["v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0", "v1.4.0"];
const layerBytes = 64 * 1024;
const atOnce = 8;

/**
 * Packages below `bench`, laid out as `d8 mirror` has them: the catalog's tags are their names, each has five versions
 * that share a layer, and metadata for each version and for the channel that points at the newest. `scale` below 1 makes
 * fewer of them. The catalog's own images are in nobody's task.
 */
export async function pushPackages(host: string, scale: number): Promise<Corpus> {
  const packages = Array.from({ length: Math.max(2, Math.round(200 * scale)) }, (_, at) => `package-${at}`);
  const images = new Map<string, string>();
  const blobs = new Map<string, { readonly repository: string; readonly size: number; readonly isManifest: boolean }>();
  await using registry = createRegistry(`${host}/bench`);
  const publish = async (path: string, image: ReturnType<typeof anImage>) => {
    await pushAll(registry.repository(path), image);
    const { descriptor } = image.manifest;
    const repository = `bench/${path}`;
    for (const tag of image.tags) images.set(`${repository}:${tag}`, descriptor.digest);
    for (const { digest, size } of image.blobs) blobs.set(digest, { repository, size, isManifest: false });
    blobs.set(descriptor.digest, { repository, size: descriptor.size, isManifest: true });
  };
  const publishPackage = async (name: string) => {
    await pushAll(registry.repository("packages"), anImage({ tag: name, seed: name }));
    const base = aLayer({ size: layerBytes, seed: `${name} base` });
    for (const version of versions) {
      const own = aLayer({ size: layerBytes, seed: `${name} ${version}` });
      await publish(`packages/${name}`, anImage({ tag: version, layers: [base, own], seed: name }));
      const tags = version === versions.at(-1) ? [version, "stable"] : [version];
      const files = { "version.json": JSON.stringify({ version }), "changelog.yaml": `${name} ${version}\n` };
      await publish(`packages/${name}/version`, anImage({ tags, files }));
    }
  };
  for (let at = 0; at < packages.length; at += atOnce)
    await Promise.all(packages.slice(at, at + atOnce).map(publishPackage));
  return {
    name: "D",
    title: `${packages.length} packages of ${versions.length} versions, in the layout of \`d8 mirror\``,
    repositories: packages.flatMap((name) => [`bench/packages/${name}`, `bench/packages/${name}/version`]),
    images,
    blobs,
    packages,
  };
}
