import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";

/** How a layer is stored. */
export type Packing = "gzip" | "zstd" | "none";

/** A layer's archive and how it is stored. */
export interface LayerArchive {
  readonly archive: Uint8Array;
  readonly packing: Packing;
}

/** The tag of the only image of a layout written here. */
export const layoutTag = "latest";

const mediaTypes: Readonly<Record<Packing, string>> = {
  gzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  zstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  none: "application/vnd.oci.image.layer.v1.tar",
};

/** Writes an image of these layers, base first, as the OCI image layout `folder`. @see image-spec v1.1.1, "Image Layout" */
export function writeLayout(folder: string, layers: readonly LayerArchive[]): void {
  mkdirSync(join(folder, "blobs/sha256"), { recursive: true });
  const write = (mediaType: string, bytes: Uint8Array) => {
    const hex = sha256(bytes);
    writeFileSync(join(folder, "blobs/sha256", hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const json = (mediaType: string, value: unknown) => write(mediaType, Buffer.from(JSON.stringify(value)));
  const config = json("application/vnd.oci.image.config.v1+json", {
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: layers.map(({ archive }) => `sha256:${sha256(archive)}`) },
  });
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const manifest = json(mediaType, {
    schemaVersion: 2,
    mediaType,
    config,
    layers: layers.map(({ archive, packing }) => write(mediaTypes[packing], pack(archive, packing))),
  });
  const annotations = { "org.opencontainers.image.ref.name": layoutTag };
  writeFileSync(join(folder, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  writeFileSync(
    join(folder, "index.json"),
    JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }),
  );
}

function pack(archive: Uint8Array, packing: Packing): Uint8Array {
  if (packing === "gzip") return gzipSync(archive, { level: 1 });
  return packing === "zstd" ? zstdCompressSync(archive) : archive;
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
