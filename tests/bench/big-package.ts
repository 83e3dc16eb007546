import { createHash } from "node:crypto";
import { type Blob, createRegistry, MediaType, manifestOf, parseDigest } from "@tranship/registry";
import { anImage } from "@tranship/registry/testing";
import { keystream } from "../support/keystream.ts";
import { pushImage } from "../support/product.ts";

/** A package whose one version is one layer of so many bytes. */
export interface BigPackage {
  readonly name: string;
  readonly version: string;
  readonly layer: Blob;
}

/** Pushes the package, and the catalog that lists it, below `place` such as `127.0.0.1:5000/bench`. */
export async function pushBigPackage(place: string, bytes: number): Promise<BigPackage> {
  const [name, version] = ["big", "v1.0.0"];
  await using registry = createRegistry(place);
  const hash = createHash("sha256");
  for (const piece of keystream(name, bytes)) hash.update(piece);
  const layer = { digest: parseDigest(`sha256:${hash.digest("hex")}`), size: bytes };
  const config = new TextEncoder().encode(
    JSON.stringify({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [layer.digest] } }),
  );
  const { descriptor: configBlob } = manifestOf(config, MediaType.ociConfig);
  const body = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: configBlob,
    layers: [{ mediaType: MediaType.ociLayer, ...layer }],
  };
  const repository = registry.repository(`packages/${name}`);
  await repository.pushBlob(layer, async function* (offset) {
    for (const piece of keystream(name, bytes, offset)) yield piece.slice();
  });
  await repository.pushBlob(configBlob, async function* (offset) {
    yield config.subarray(offset);
  });
  const manifest = manifestOf(new TextEncoder().encode(JSON.stringify(body)), MediaType.ociManifest);
  await repository.pushManifest(manifest, { tags: [version] });
  await pushImage(registry, "packages", anImage({ tag: name }));
  return { name, version, layer };
}
