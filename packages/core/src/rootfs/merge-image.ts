import { RootfsError } from "./errors.ts";
import type { OnRootfsEvent } from "./events.ts";
import type { LayeredImage, LayerFetch } from "./layers/fetch-layers.ts";
import type { LayerFile } from "./layers/layer-file.ts";
import { createLayerUsage } from "./layers/layer-usage.ts";
import type { LayerWorkers } from "./layers/layer-workers.ts";
import type { RootfsLimits } from "./limits.ts";
import { MergeTurns } from "./merge-turns.ts";
import { StageProgress } from "./progress/stage.ts";
import type { RootfsTree } from "./tree/rootfs-tree.ts";
import { TreeMerger } from "./tree/tree-merger.ts";

/** Options of {@link mergeImage}. */
export interface MergeImageOptions {
  readonly workers: LayerWorkers;
  readonly limits: RootfsLimits;
  /** Its signal is the one the fetch listens to: a layer that cannot be merged ends what is still on its way. */
  readonly stop: AbortController;
  readonly onEvent?: OnRootfsEvent | undefined;
}

/**
 * Reads every layer of an image once, as soon as it is here and side by side with others, and merges them in their order.
 * The files of the layers stay with `fetch`: the tree points into them.
 * @throws RootfsError `LIMIT_EXCEEDED`, `LAYER_INVALID`, `LAYER_MISMATCH`, `SOURCE_FAILED`, `NO_SPACE`, `FILE_FAILED`
 */
export async function mergeImage(
  image: LayeredImage,
  fetch: LayerFetch,
  { workers, limits, stop, onEvent }: MergeImageOptions,
): Promise<RootfsTree> {
  const { reference, layers } = image;
  requireLayerCount(image, limits);
  const merger = new TreeMerger({ reference, layers: layers.map(({ descriptor }) => descriptor), limits, onEvent });
  const turns = new MergeTurns(merger, layers.length);
  const files: LayerFile[] = [];
  const usage = createLayerUsage();
  const storedBytes = layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
  const stage = new StageProgress("merge", onEvent, "bytes", storedBytes);
  const { signal } = stop;
  const read = async (file: LayerFile) => {
    const onEntries = (entries: Parameters<MergeTurns["push"]>[1]) => turns.push(file.layer, entries);
    const onBytes = (bytes: number) => stage.add(bytes);
    try {
      await workers.scan(file, { reference, limits, usage, signal, onEntries, onBytes });
      turns.end(file.layer);
    } catch (error) {
      stop.abort(error); // the others have nothing left to work for
      throw error;
    }
  };
  const reading: Promise<void>[] = [];
  try {
    for await (const file of fetch) {
      files[file.layer] = file;
      const one = read(file);
      one.catch(() => {}); // it is looked at once nothing is on its way any more, which may be long after it failed
      reading.push(one);
    }
  } catch (error) {
    stop.abort(error);
  }
  await Promise.allSettled(reading);
  signal.throwIfAborted();
  const root = merger.finish();
  stage.finish();
  signal.throwIfAborted();
  return { root, layers: files };
}

function requireLayerCount({ reference, layers }: LayeredImage, { maxLayers: max }: RootfsLimits): void {
  if (layers.length <= max) return;
  const message = `cannot unpack ${reference}: it has ${layers.length} layers, which goes beyond maxLayers, ${max}`;
  throw new RootfsError("LIMIT_EXCEEDED", message, { reference, limit: "maxLayers", max });
}
