import { tmpdir } from "node:os";
import type { OnRootfsEvent } from "./events.ts";
import { Held } from "./held.ts";
import { fetchLayers, type KeptLayers } from "./layers/fetch-layers.ts";
import { LayerWorkers } from "./layers/layer-workers.ts";
import { defaultRootfsLimits, type RootfsLimits } from "./limits.ts";
import { mergeImage } from "./merge-image.ts";
import { ScratchFolder } from "./scratch-folder.ts";
import { fetchImage } from "./source/fetch-image.ts";
import type { PreparedSource, ResolvedImage } from "./source/source.ts";
import { RootfsFiles } from "./tree/rootfs-files.ts";
import type { RootfsTree } from "./tree/rootfs-tree.ts";

/** Options of opening an image as a root file system. */
export interface OpenRootfsOptions {
  /**
   * A folder that is there, for layers that do not lie on this machine as files; at the end nothing of it is left.
   * @defaultValue the system's folder for temporary files
   */
  readonly directory?: string | undefined;
  /** Layers fetched at a time. @defaultValue 6 */
  readonly jobs?: number | undefined;
  /** Layers of earlier runs. @defaultValue none */
  readonly cache?: KeptLayers | undefined;
  /** Ceilings; those left out are as in {@link defaultRootfsLimits}. */
  readonly limits?: Partial<RootfsLimits> | undefined;
  /** Threads that unpack layers. @defaultValue one more than this machine runs at once */
  readonly maxThreads?: number | undefined;
  /** Ends opening, and reading files of what was opened. */
  readonly signal?: AbortSignal | undefined;
  /** Told of everything, also of what is written later. */
  readonly onEvent?: OnRootfsEvent | undefined;
}

/** A merged image with what its bytes are read with. They go when `held` is disposed of. */
export interface OpenTree {
  readonly tree: RootfsTree;
  readonly files: RootfsFiles;
  readonly workers: LayerWorkers;
  /** The image, for messages. */
  readonly reference: string;
  readonly held: Held;
}

/**
 * Fetches the layers of an image, reads each once, checks both its digests, and merges them.
 * @throws RootfsError as {@link fetchImage} and {@link mergeImage} do
 */
export async function openTree(source: PreparedSource, options: OpenRootfsOptions = {}): Promise<OpenTree> {
  const { directory = tmpdir(), maxThreads, signal, onEvent } = options;
  signal?.throwIfAborted();
  await using held = new Held();
  const folder = held.use(await ScratchFolder.create(directory, { onEvent })).path;
  const limits = { ...defaultRootfsLimits, ...options.limits };
  const { maxLayers } = limits;
  const { image } = held.use(await fetchImage(source, { directory: folder, maxLayers, signal }));
  const workers = held.use(new LayerWorkers({ maxThreads }));
  const tree = await fetchAndMerge(source, image, { ...options, folder, limits, workers, held });
  const { reference } = image;
  const files = new RootfsFiles(tree, { reference, workers, limits, signal });
  return { tree, files, workers, reference, held: held.move() };
}

interface MergeOptions extends OpenRootfsOptions {
  readonly folder: string;
  readonly limits: RootfsLimits;
  readonly workers: LayerWorkers;
  readonly held: Held;
}

async function fetchAndMerge(
  { onPullProgress }: PreparedSource,
  image: ResolvedImage,
  { folder, jobs = 6, cache, limits, workers, held, signal, onEvent }: MergeOptions,
): Promise<RootfsTree> {
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const how = { directory: folder, jobs, cache, signal: stop.signal, onEvent, onPullProgress };
  const fetch = held.use(fetchLayers(image, how));
  try {
    return await mergeImage(image, fetch, { workers, limits, stop, onEvent });
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}
