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
  #isEnded = false;

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
        return await this.#threads.use(async (thread) => {
          if (this.#isEnded) throw new Error(`${path} was not hashed: the threads that hash were ended`);
          return await thread.hash(path, algorithm, signal);
        }, signal);
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
    this.#isEnded = true;
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
    const thing = await this.#take(signal);
    try {
      signal?.throwIfAborted();
      return await work(thing);
    } finally {
      const next = this.#waiting.shift();
      if (next) next(thing);
      else this.#idle.push(thing);
    }
  }

  async #take(signal: AbortSignal | undefined): Promise<Thing> {
    if (this.#idle.length > 0) return this.#idle.pop() as Thing;
    if (this.made.length < this.#limit) {
      const thing = this.#make();
      this.made.push(thing);
      return thing;
    }
    const { promise, resolve, reject } = Promise.withResolvers<Thing>();
    const onAbort = () => {
      const turn = this.#waiting.indexOf(resolve);
      if (turn >= 0) this.#waiting.splice(turn, 1);
      reject(signal?.reason);
    };
    this.#waiting.push(resolve);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      return await promise;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
  }
}
