import { availableParallelism } from "node:os";
import type { DigestAlgorithm } from "@tranship/registry";
import { type HashedFile, hashFile } from "./hash-file.ts";
import { HashThread } from "./hash-thread.ts";

/** With so many bytes to read, threads are worth their start. */
const threadsFromBytes = 4 * 1024 * 1024;

/** The most threads: disks bring no more. */
const maxThreads = 4;

/** Files read at a time beside the threads. */
const maxHere = 8;

/** Hashes several files at a time: little ones here, as soon as there is much to read in threads of its own. */
export class HashPool implements AsyncDisposable {
  readonly #threads = new Room(Math.min(maxThreads, availableParallelism()), () => new HashThread());
  readonly #here = new Room(maxHere, () => undefined);
  #queuedBytes = 0;

  /**
   * Reads a file from end to end.
   * @param size how long it seems to be, in bytes
   * @throws the system's errors; `signal.reason`
   */
  async hash(path: string, size: number, algorithm: DigestAlgorithm, signal?: AbortSignal): Promise<HashedFile> {
    signal?.throwIfAborted();
    this.#queuedBytes += size;
    try {
      if (this.#queuedBytes > threadsFromBytes) {
        return await this.#threads.use((thread) => thread.hash(path, algorithm, signal), signal);
      }
      const hashed = await this.#here.use(() => hashFile(path, algorithm, () => signal?.aborted ?? false), signal);
      if (hashed) return hashed;
      throw signal?.reason;
    } finally {
      this.#queuedBytes -= size;
    }
  }

  /** Ends the threads; what still runs rejects. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#threads.made.map((thread) => thread[Symbol.asyncDispose]()));
  }
}

/** Things that are used by one after another, made when they are needed first. */
class Room<Thing> {
  readonly made: Thing[] = [];
  readonly #limit: number;
  readonly #make: () => Thing;
  readonly #idle: Thing[] = [];
  readonly #waiting: ((thing: Thing) => void)[] = [];

  constructor(limit: number, make: () => Thing) {
    this.#limit = limit;
    this.#make = make;
  }

  /** Lets `work` have a thing, as soon as one is free; who waited longest comes first. @throws `signal.reason` */
  async use<Value>(work: (thing: Thing) => Promise<Value>, signal?: AbortSignal): Promise<Value> {
    const thing = await this.#take();
    try {
      signal?.throwIfAborted();
      return await work(thing);
    } finally {
      const next = this.#waiting.shift();
      if (next) next(thing);
      else this.#idle.push(thing);
    }
  }

  async #take(): Promise<Thing> {
    if (this.#idle.length > 0) return this.#idle.pop() as Thing;
    if (this.made.length >= this.#limit) return await new Promise((resolve) => this.#waiting.push(resolve));
    const thing = this.#make();
    this.made.push(thing);
    return thing;
  }
}
