import { createReadStream, createWriteStream, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { parseDigest } from "@tranship/registry";
import type { LayerFile } from "../../../packages/core/src/rootfs/layers/layer-file.ts";
import type { LayerWorkers } from "../../../packages/core/src/rootfs/layers/layer-workers.ts";
import { defaultRootfsLimits } from "../../../packages/core/src/rootfs/limits.ts";
import type { RootfsTree } from "../../../packages/core/src/rootfs/tree/rootfs-tree.ts";
import { TreeMerger } from "../../../packages/core/src/rootfs/tree/tree-merger.ts";
import { layoutTag } from "./oci-layout.ts";

/** What of a descriptor, manifest or config is needed here. */
interface Named {
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The layers of the image of an OCI layout, base first. */
export function layersOf(layout: string): readonly LayerFile[] {
  const index = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as { manifests: readonly Named[] };
  const tagged = index.manifests.find((one) => one.annotations?.["org.opencontainers.image.ref.name"] === layoutTag);
  if (!tagged) throw new Error(`${layout} has no image ${layoutTag}`);
  const json = (digest: string): unknown => JSON.parse(readFileSync(blobPath(layout, digest), "utf8"));
  const manifest = json(tagged.digest) as { config: Named; layers: readonly Named[] };
  const { rootfs } = json(manifest.config.digest) as { rootfs: { diff_ids: readonly string[] } };
  return manifest.layers.map(({ digest, size }, layer) => ({
    layer,
    digest: parseDigest(digest),
    size,
    diffId: parseDigest(rootfs.diff_ids[layer] ?? ""),
    pieces: [{ path: blobPath(layout, digest), offset: 0, length: size }],
  }));
}

/** Reads and merges the layers as the SDK does. */
export async function mergeLayout(layout: string, workers: LayerWorkers): Promise<RootfsTree> {
  const layers = layersOf(layout);
  const merger = new TreeMerger({ reference: layout, layers });
  for (const file of layers) {
    merger.beginLayer(file.layer);
    await workers.scan(file, {
      reference: layout,
      limits: defaultRootfsLimits,
      onEntries: (entries) => {
        for (const entry of entries) merger.apply(entry);
      },
    });
    merger.endLayer();
  }
  return { root: merger.finish(), layers };
}

/** Unpacks every layer into a file of its own in `folder`, without the SDK's code. */
export async function unpackLayers(layout: string, folder: string): Promise<readonly string[]> {
  return await Promise.all(
    layersOf(layout).map(async ({ layer, digest }) => {
      const [from, to] = [blobPath(layout, digest), join(folder, `layer-${layer}.tar`)];
      await pipeline(createReadStream(from), decompressor(from), createWriteStream(to));
      if (statSync(to).size === 0) throw new Error(`layer ${layer} of ${layout} is empty`);
      return to;
    }),
  );
}

function decompressor(path: string): Transform {
  const magic = readFileSync(path).readUInt32LE(0);
  if ((magic & 0xffff) === 0x8b1f) return createGunzip();
  return magic === 0xfd2fb528
    ? createZstdDecompress()
    : new Transform({ transform: (chunk, _, done) => done(null, chunk) });
}

function blobPath(layout: string, digest: string): string {
  return join(layout, "blobs", digest.replace(":", "/"));
}
