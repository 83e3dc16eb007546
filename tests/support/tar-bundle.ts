import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Blob, type Descriptor, type Digest, digestOf, MediaType, manifestOf } from "@tranship/registry";
import { encodeTarHeader, tarPadding, tarTrailerBytes } from "../../packages/core/src/bundle/tar/tar-header.ts";
import { encodeIndexFile } from "../../packages/core/src/layout/index-file.ts";
import { blobPath } from "../../packages/core/src/plan/section.ts";

/** A file of an archive to be. */
export type TarFile = readonly [name: string, data: Uint8Array];

/** An image with one layer, and all its bytes. */
export interface TarImage {
  readonly descriptor: Descriptor;
  readonly config: Blob;
  readonly layer: Blob;
  readonly bytes: ReadonlyMap<Digest, Uint8Array>;
}

/** An image whose digests follow from `seed`; `base` gives it the layer of another. */
export function tarImage(seed: string, base: string = seed): TarImage {
  const config = Buffer.from(JSON.stringify({ seed }));
  const layer = Buffer.from(`layer of ${base}`.repeat(1000));
  const describe = (bytes: Uint8Array, mediaType: string) => ({
    mediaType,
    digest: digestOf(bytes),
    size: bytes.byteLength,
  });
  const [configBlob, layerBlob] = [describe(config, MediaType.ociConfig), describe(layer, MediaType.ociLayer)];
  const body = { schemaVersion: 2, mediaType: MediaType.ociManifest, config: configBlob, layers: [layerBlob] };
  const { descriptor, bytes } = manifestOf(Buffer.from(JSON.stringify(body)), MediaType.ociManifest);
  return {
    descriptor,
    config: configBlob,
    layer: layerBlob,
    bytes: new Map([
      [descriptor.digest, bytes],
      [configBlob.digest, config],
      [layerBlob.digest, layer],
    ]),
  };
}

/** An entry of an `index.json`. */
export function tagged(
  { descriptor }: Pick<TarImage, "descriptor">,
  tag: string,
  refName = `src/app:${tag}`,
): Descriptor {
  const annotations = { "io.deckhouse.image.short_tag": tag, "org.opencontainers.image.ref.name": refName };
  return { ...descriptor, annotations };
}

/** The blobs of images as the layout at `path` keeps them, but for those left out. */
export function blobFiles(
  path: string,
  images: readonly TarImage[],
  leftOut: readonly Digest[] = [],
): readonly TarFile[] {
  const prefix = path === "" ? "" : `${path}/`;
  const blobs = new Map(images.flatMap(({ bytes }) => [...bytes]));
  return [...blobs]
    .filter(([digest]) => !leftOut.includes(digest))
    .map(([digest, bytes]) => [`${prefix}${blobPath(digest)}`, bytes]);
}

/** A whole layout at `path`: each image under its tag. */
export function layoutFiles(
  path: string,
  images: Readonly<Record<string, TarImage>>,
  leftOut: readonly Digest[] = [],
): readonly TarFile[] {
  const index = encodeIndexFile(Object.entries(images).map(([tag, image]) => tagged(image, tag)));
  return [
    ...blobFiles(path, Object.values(images), leftOut),
    [path === "" ? "index.json" : `${path}/index.json`, index],
  ];
}

/** The bytes of an archive of these files, in their order. */
export function tarBytes(files: readonly TarFile[]): Buffer {
  const parts = files.flatMap(([name, data]) => [
    encodeTarHeader(name, data.byteLength),
    data,
    new Uint8Array(tarPadding(data.byteLength)),
  ]);
  return Buffer.concat([...parts, new Uint8Array(tarTrailerBytes)]);
}

/** Writes an archive. */
export function writeTar(folder: string, name: string, files: readonly TarFile[]): void {
  writeFileSync(join(folder, name), tarBytes(files));
}

/** Writes an archive in chunks of `chunkBytes`. */
export function writeChunks(folder: string, name: string, files: readonly TarFile[], chunkBytes: number): void {
  const bytes = tarBytes(files);
  for (let at = 0, nth = 0; at < bytes.byteLength; at += chunkBytes, nth += 1) {
    const chunk = `${name}.${String(nth).padStart(4, "0")}.chunk`;
    writeFileSync(join(folder, chunk), bytes.subarray(at, at + chunkBytes));
  }
}
