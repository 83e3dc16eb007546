import { crc32 } from "node:zlib";
import {
  type Blob,
  type Descriptor,
  digestOf,
  type Manifest,
  MediaType,
  manifestOf,
  type RepositoryReader,
} from "@tranship/registry";
import { encodeTarHeader, tarPadding, tarTrailerBytes } from "../bundle/tar/tar-header.ts";
import type { Graph } from "../transfer/graph.ts";

/** What a catalog's name points at: an image nobody reads, the same bytes everywhere and always. */
export interface DiscoveryImage {
  readonly manifest: Manifest;
  readonly graph: Graph;
  /** Reads its config and its layer. */
  readonly source: Pick<RepositoryReader, "name" | "fetchBlob">;
}

/** The one file of the image: 32 bytes. */
const fileText = "tranship discovery placeholder.\n";

/** Makes the placeholder image of discovery tags: a Docker image with one gzip layer of one small file. */
export function createDiscoveryImage(): DiscoveryImage {
  const tar = tarOf("placeholder.txt", new TextEncoder().encode(fileText));
  const layer = storedGzip(tar);
  const config = encodeJson({
    architecture: "amd64",
    config: {},
    created: "1970-01-01T00:00:00Z",
    history: [{ created: "1970-01-01T00:00:00Z", created_by: "tranship: discovery placeholder" }],
    os: "linux",
    rootfs: { type: "layers", diff_ids: [digestOf(tar)] },
  });
  const configBlob: Descriptor = descriptorOf(MediaType.dockerConfig, config);
  const layerBlob: Descriptor = descriptorOf(MediaType.dockerLayerGzip, layer);
  const body = { schemaVersion: 2, mediaType: MediaType.dockerManifest, config: configBlob, layers: [layerBlob] };
  const manifest = manifestOf(encodeJson(body), MediaType.dockerManifest);
  const contents = new Map([
    [configBlob.digest, config],
    [layerBlob.digest, layer],
  ]);
  const blobs = [configBlob, layerBlob];
  return {
    manifest,
    graph: { manifests: [{ ...manifest, children: [], blobs }], blobs, leftOut: [] },
    source: {
      name: "the discovery image",
      async *fetchBlob({ digest }: Blob, { offset = 0, length } = {}) {
        const bytes = contents.get(digest) ?? new Uint8Array();
        yield bytes.slice(offset, length === undefined ? undefined : offset + length);
      },
    },
  };
}

function descriptorOf(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, size: bytes.byteLength, digest: digestOf(bytes) };
}

function encodeJson(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function tarOf(name: string, content: Uint8Array): Uint8Array {
  const header = encodeTarHeader(name, content.byteLength);
  const end = header.byteLength + content.byteLength;
  const tar = new Uint8Array(end + tarPadding(content.byteLength) + tarTrailerBytes);
  tar.set(header, 0);
  tar.set(content, header.byteLength);
  return tar;
}

/**
 * A gzip file of one stored block. Nothing is compressed, so the bytes do not depend on the zlib of the machine.
 * @see RFC 1952, "Member format"; RFC 1951, "Non-compressed blocks"
 */
function storedGzip(bytes: Uint8Array): Uint8Array {
  const header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]; // deflate, no flags, no time, unknown system
  const blockHeader = 5;
  const gzip = new Uint8Array(header.length + blockHeader + bytes.byteLength + 8);
  const view = new DataView(gzip.buffer);
  gzip.set(header, 0);
  view.setUint8(header.length, 1); // the final block, stored
  view.setUint16(header.length + 1, bytes.byteLength, true);
  view.setUint16(header.length + 3, ~bytes.byteLength & 0xffff, true);
  gzip.set(bytes, header.length + blockHeader);
  const trailer = header.length + blockHeader + bytes.byteLength;
  view.setUint32(trailer, crc32(bytes), true);
  view.setUint32(trailer + 4, bytes.byteLength, true);
  return gzip;
}
