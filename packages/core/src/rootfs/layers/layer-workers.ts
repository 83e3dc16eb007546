import { availableParallelism } from "node:os";
import type { LayerEntry, LayerScan } from "../../layer-archive/layer-entry.ts";
import type { RootfsLimits } from "../limits.ts";
import type { LayerFile } from "./layer-file.ts";
import { taskModule } from "./layer-task.ts";
import { LayerThread, type RunOptions } from "./layer-thread.ts";
import { createLayerUsage, type LayerUsage } from "./layer-usage.ts";
import type { ScanInput, ScanMessage } from "./scan-task.ts";

const scanModule = taskModule("scan-task", import.meta.url);

/** Options of {@link LayerWorkers}. */
export interface LayerWorkersOptions {
  /** @defaultValue one more than this machine runs at once: a thread waits for its unpacker now and then */
  readonly maxThreads?: number | undefined;
}

/** Options of {@link LayerWorkers.scan}. */
export interface ScanOptions {
  /** The image, for messages. */
  readonly reference: string;
  readonly limits: RootfsLimits;
  /** What the layers of one image share, for the ceilings on all of them together. @defaultValue this layer alone */
  readonly usage?: LayerUsage | undefined;
  readonly signal?: AbortSignal | undefined;
  /**
   * Takes entries as they come, about a thousand at a time and in the archive's order; until it settles, the layer is read
   * on a little only. They are to be believed once the scan has ended well: a digest is known at the end.
   */
  readonly onEntries: (entries: readonly LayerEntry[]) => void | Promise<void>;
  /** So many more bytes of the layer were read, as it is stored. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * Threads that read layers, as many as there is work for and processors. Whoever comes first is served first. They end
 * with the pool.
 */
export class LayerWorkers implements AsyncDisposable {
  readonly #maxThreads: number;
  readonly #idle: LayerThread[] = [];
  readonly #all: LayerThread[] = [];
  readonly #waiting: ((thread: LayerThread) => void)[] = [];
  readonly #ending: AbortController = new AbortController();

  constructor({ maxThreads = availableParallelism() + 1 }: LayerWorkersOptions = {}) {
    this.#maxThreads = Math.max(1, maxThreads);
  }

  /**
   * Reads a layer once from end to end: unpacks it, checks both its digests and the ceilings, and tells its entries.
   * @throws RootfsError `LAYER_INVALID`, `LAYER_MISMATCH`, `LIMIT_EXCEEDED`, `FILE_FAILED`; what {@link run} and the callbacks throw
   */
  async scan(
    file: LayerFile,
    { reference, limits, usage = createLayerUsage(), signal, onEntries, onBytes }: ScanOptions,
  ): Promise<LayerScan> {
    const input: ScanInput = { file, reference, limits, usage };
    const onMessage = (message: ScanMessage) =>
      message.type === "entries" ? onEntries(message.entries) : onBytes?.(message.bytes);
    return await this.run<ScanInput, ScanMessage, LayerScan>(scanModule, input, { signal, onMessage });
  }

  /**
   * Runs the task of a module (see `LayerTask` and `taskModule`) in a thread, as soon as one is free.
   * @throws what the task throws, `signal.reason`, and an `Error` when the thread dies
   */
  async run<Input, Message, Result>(module: URL, input: Input, options: RunOptions<Message> = {}): Promise<Result> {
    const signal = AbortSignal.any([this.#ending.signal, ...(options.signal ? [options.signal] : [])]);
    const thread = await this.#free(signal);
    try {
      return (await thread.run(module, input, { ...options, signal })) as Result;
    } finally {
      const next = this.#waiting.shift();
      if (next) next(thread);
      else this.#idle.push(thread);
    }
  }

  /** Stops what still runs, which rejects, and ends all threads. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#ending.abort(new Error("the threads that read layers were ended"));
    await Promise.all(this.#all.map((thread) => thread[Symbol.asyncDispose]()));
  }

  async #free(signal: AbortSignal): Promise<LayerThread> {
    signal.throwIfAborted();
    const idle = this.#idle.pop();
    if (idle) return idle;
    if (this.#all.length < this.#maxThreads) {
      const thread = new LayerThread();
      this.#all.push(thread);
      return thread;
    }
    const { promise, resolve, reject } = Promise.withResolvers<LayerThread>();
    const onAbort = () => {
      const turn = this.#waiting.indexOf(resolve);
      if (turn >= 0) this.#waiting.splice(turn, 1);
      reject(signal.reason);
    };
    this.#waiting.push(resolve);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}
