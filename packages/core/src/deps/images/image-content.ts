import type { Descriptor, Digest, ImageIndex, ImageManifest } from "@tranship/registry";
import { DepsError } from "../errors.ts";
import type { ItemContent } from "../jobs/item-job.ts";
import type { ImageItem } from "./image-place.ts";
import type { KeptManifests } from "./kept-manifests.ts";

/**
 * The layer of an artifact that is meant: the first of the type the item names, else the only one. `undefined` where none
 * is meant.
 * @throws DepsError `CHART_LAYER`
 */
export function wantedLayer({ id, source }: ImageItem, content: ImageManifest | ImageIndex): Descriptor | undefined {
  if (source.type !== "artifact") return undefined;
  const layers = content.kind === "image" ? content.layers : [];
  const { layerMediaType } = source;
  const found =
    layers.find(({ mediaType }) => mediaType === layerMediaType) ?? (layers.length === 1 ? layers[0] : undefined);
  if (found !== undefined || layerMediaType === undefined) return found;
  const reason =
    content.kind === "index"
      ? "it is an index, which has no layers"
      : `none of its ${layers.length} layers is of type ${layerMediaType}`;
  throw new DepsError("CHART_LAYER", `cannot use ${id}: ${reason}`, { chart: id, reason });
}

/** What there is of an image that is there. @throws DepsError `INCOMPLETE`, `CHART_LAYER` */
export async function contentOf(
  item: ImageItem,
  digest: Digest,
  sizeBytes: number,
  kept: KeptManifests,
): Promise<ItemContent> {
  const manifest = await kept.read(digest);
  if (manifest === undefined) throw incomplete(item, kept.directory.fileOf(digest));
  const layer = wantedLayer(item, manifest.content);
  if (layer === undefined) return { digest, sizeBytes };
  return { digest, sizeBytes, layer: { digest: layer.digest, path: kept.directory.fileOf(layer.digest) } };
}

/** An item that should be there and is not. */
export function incomplete({ id }: ImageItem, path: string): DepsError<"INCOMPLETE"> {
  return new DepsError("INCOMPLETE", `${id} is not whole: look at ${path}`, { item: id, path });
}
