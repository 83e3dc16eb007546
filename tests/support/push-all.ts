import type { RepositoryWriter } from "@tranship/registry";
import { partsOf, type Seedable } from "@tranship/registry/testing";

/** Pushes built things with all they need, leaves first. */
export async function pushAll(repository: RepositoryWriter, ...things: readonly Seedable[]): Promise<void> {
  for (const { blobs, manifests } of things.map(partsOf)) {
    for (const blob of blobs) await repository.pushBlob(blob, (offset) => pieces(blob.bytes.subarray(offset)));
    for (const { manifest, tags } of manifests) await repository.pushManifest(manifest, { tags });
  }
}

/** Bytes in pieces of 64 KiB. */
export async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 65_536) yield bytes.subarray(at, at + 65_536);
}
