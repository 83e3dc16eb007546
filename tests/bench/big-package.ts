import { createHash } from "node:crypto";
import { type Blob, createRegistry, MediaType, manifestOf, parseDigest } from "@tranship/registry";
import { aLayer, anImage } from "@tranship/registry/testing";
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
  for (const piece of bigTar(name, bytes)) hash.update(piece);
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
    for (const piece of bigTar(name, bytes, offset)) yield piece.slice();
  });
  await repository.pushBlob(configBlob, async function* (offset) {
    yield config.subarray(offset);
  });
  const manifest = manifestOf(new TextEncoder().encode(JSON.stringify(body)), MediaType.ociManifest);
  await repository.pushManifest(manifest, { tags: [version] });
  await pushImage(registry, "packages", anImage({ tag: name }));
  return { name, version, layer };
}

const blockBytes = 512;

/** A tar archive of so many bytes with one file in it, from `offset` on; a piece is valid until the next is asked for. */
function* bigTar(seed: string, bytes: number, offset = 0): Generator<Uint8Array> {
  const fileBytes = Math.floor(bytes / blockBytes) * blockBytes - 3 * blockBytes; // without a header and the end
  const header = headerOf(fileBytes);
  if (offset < blockBytes) yield header.subarray(offset);
  const fileOffset = Math.max(0, offset - blockBytes);
  if (fileOffset < fileBytes) yield* keystream(seed, fileBytes, fileOffset);
  yield new Uint8Array(Math.min(bytes - offset, bytes - blockBytes - fileBytes));
}

/** The header of a file of so many bytes: a small one's, with another size. */
function headerOf(size: number): Uint8Array {
  const header = Buffer.from(aLayer({ files: { data: "" }, gzip: false }).bytes.subarray(0, blockBytes));
  header.write(size.toString(8).padStart(11, "0"), 124);
  header.write("        ", 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}
