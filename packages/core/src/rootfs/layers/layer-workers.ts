import { availableParallelism } from "node:os";
import { LayerThread, type RunOptions } from "./layer-thread.ts";

/** Options of {@link LayerWorkers}. */
export interface LayerWorkersOptions {
  /** @defaultValue as many as this machine runs at once */
  readonly maxThreads?: number | undefined;
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

  constructor({ maxThreads = availableParallelism() }: LayerWorkersOptions = {}) {
    this.#maxThreads = Math.max(1, maxThreads);
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
