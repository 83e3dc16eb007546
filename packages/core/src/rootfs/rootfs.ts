import { tmpdir } from "node:os";
import { acquireImage } from "./acquire-image.ts";
import type { OnRootfsEvent } from "./events.ts";
import { Held } from "./held.ts";
import { fetchLayers, type KeptLayers } from "./layers/fetch-layers.ts";
import { LayerWorkers } from "./layers/layer-workers.ts";
import { defaultRootfsLimits, type RootfsLimits } from "./limits.ts";
import { mergeImage } from "./merge-image.ts";
import { type WriteTarOptions, type WrittenTar, writeTar } from "./output/tar/write-tar.ts";
import { ScratchFolder } from "./scratch-folder.ts";
import type { PreparedSource, ResolvedImage } from "./source/source.ts";
import { RootfsFiles } from "./tree/rootfs-files.ts";
import type { RootfsTree } from "./tree/rootfs-tree.ts";
import { type TreeTotals, treeTotals } from "./tree/tree-totals.ts";

/** Options of {@link Rootfs.open}. */
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
  /** Threads that unpack layers. @defaultValue as many as this machine runs at once */
  readonly maxThreads?: number | undefined;
  /** Ends opening, and what is asked of {@link Rootfs.files} later. */
  readonly signal?: AbortSignal | undefined;
  /** Told of everything, also of what is written later. */
  readonly onEvent?: OnRootfsEvent | undefined;
}

/** Options of what is written of a {@link Rootfs}, besides its own. */
type WithoutWorkers<Options> = Omit<Options, "workers" | "reference" | "onEvent">;

/**
 * The root file system of an image: its layers merged in memory, as names and metadata, and their bytes where they lie. What
 * it holds can be read and edited before it is written, as often as wanted and in any form. Held with `await using`: it keeps
 * threads and the fetched layers until then.
 */
export class Rootfs implements AsyncDisposable {
  /** What it was made of. */
  readonly source: PreparedSource;
  /** Reads and edits what is in it. */
  readonly files: RootfsFiles;
  readonly #tree: RootfsTree;
  readonly #reference: string;
  readonly #workers: LayerWorkers;
  readonly #onEvent: OnRootfsEvent | undefined;
  readonly #held: Held;

  private constructor(
    source: PreparedSource,
    tree: RootfsTree,
    files: RootfsFiles,
    held: { readonly reference: string; readonly workers: LayerWorkers; readonly stack: Held },
    onEvent: OnRootfsEvent | undefined,
  ) {
    this.source = source;
    this.files = files;
    this.#tree = tree;
    this.#reference = held.reference;
    this.#workers = held.workers;
    this.#held = held.stack;
    this.#onEvent = onEvent;
  }

  /**
   * Fetches the layers of an image, reads each once, checks both its digests, and merges them.
   * @throws RootfsError `SOURCE_UNPREPARED`, `SOURCE_FAILED`, `LAYER_INVALID`, `LAYER_MISMATCH`, `LIMIT_EXCEEDED`, `NO_SPACE`,
   *   `FILE_FAILED`, and for sources that programs or a daemon read `TOOL_MISSING`, `TOOL_FAILED`, `DAEMON_FAILED`
   */
  static async open(source: PreparedSource, options: OpenRootfsOptions = {}): Promise<Rootfs> {
    const { directory = tmpdir(), signal, onEvent } = options;
    signal?.throwIfAborted();
    await using stack = new Held();
    const folder = stack.use(await ScratchFolder.create(directory, onEvent));
    const image = await acquireImage(source, folder.path, signal);
    const workers = stack.use(new LayerWorkers({ maxThreads: options.maxThreads }));
    const limits = { ...defaultRootfsLimits, ...options.limits };
    const tree = await merged(source, image, { ...options, folder: folder.path, limits, workers, stack });
    const { reference } = image;
    const files = new RootfsFiles(tree, { reference, workers, limits, signal });
    return new Rootfs(source, tree, files, { reference, workers, stack: stack.move() }, onEvent);
  }

  /** What it weighs now, edits included. */
  totals(): TreeTotals {
    return treeTotals(this.#tree.root);
  }

  /**
   * Writes it as one tar archive; see {@link exportTar}.
   * @throws RootfsError `OUTPUT_EXISTS`, `LAYER_INVALID`, `LAYER_MISMATCH`, `FILE_FAILED`, `NO_SPACE`
   */
  async writeTar(path: string, options: WithoutWorkers<WriteTarOptions> = {}): Promise<WrittenTar> {
    return await writeTar(this.#tree, path, { ...options, ...this.#with });
  }

  /** Ends its threads and removes the layers that were fetched for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held[Symbol.asyncDispose]();
  }

  get #with() {
    return { workers: this.#workers, reference: this.#reference, onEvent: this.#onEvent };
  }
}

interface MergedOptions extends OpenRootfsOptions {
  readonly folder: string;
  readonly limits: RootfsLimits;
  readonly workers: LayerWorkers;
  readonly stack: Held;
}

async function merged(
  source: PreparedSource,
  image: ResolvedImage,
  { folder, jobs = 6, cache, limits, workers, stack, signal, onEvent }: MergedOptions,
): Promise<RootfsTree> {
  const stop = new AbortController();
  const onAbort = () => stop.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  const { onPullProgress } = source;
  const fetch = fetchLayers(image, { directory: folder, jobs, cache, signal: stop.signal, onEvent, onPullProgress });
  stack.use(fetch);
  try {
    return await mergeImage(image, fetch, { workers, limits, stop, onEvent });
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}
