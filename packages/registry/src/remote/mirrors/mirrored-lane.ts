import { classifyFailure } from "../../errors.ts";
import { type BlobLane, laneOf, type Sink } from "../../lane.ts";
import { LruMap } from "../lru-map.ts";
import { type MirrorFailure, withMirrorFailures } from "./mirror-failures.ts";
import type { MirrorHost } from "./mirror-host.ts";
import type { Sources } from "./sources.ts";

/** Reads remembered with the source they used. */
const rememberedReads = 1000;
/** Whoever reads a blob again for its damage does so soon, in milliseconds. */
const suspicionMs = 60_000;

/**
 * Which source the last read of a blob used. A lane does not hash; a caller that does and is not content comes back for
 * the first byte, and then the next source is due: so nobody is stuck with a mirror that lies.
 */
export class LaneMemory {
  readonly #reads = new LruMap<{ readonly source: number; readonly atMs: number }>(rememberedReads);
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** The first source to ask, of `count`. The last of them is the registry itself, which stays when it was it. */
  first(key: string, offset: number, count: number): number {
    const last = this.#reads.get(key);
    if (!last || this.#now() - last.atMs > suspicionMs) return 0;
    return offset === 0 ? Math.min(last.source + 1, count - 1) : last.source;
  }

  note(key: string, source: number): void {
    this.#reads.set(key, { source, atMs: this.#now() });
  }
}

/** The lanes of all sources as one. Goes on with the next source by itself as long as the caller cannot tell. */
export function mirroredLane(sources: Sources, memory: LaneMemory): BlobLane {
  return {
    read: async (blob, offset, sink, signal) => {
      const key = sources.nameOf(blob.digest);
      const everyone: readonly (MirrorHost | undefined)[] = [...sources.mirrors, undefined];
      const failures: MirrorFailure[] = [];
      let position = offset;
      for (let n = memory.first(key, offset, everyone.length); n < everyone.length; n += 1) {
        const mirror = everyone[n];
        if (mirror && !mirror.mayAsk(blob.digest)) continue;
        memory.note(key, n);
        using patience = mirror?.patience(signal);
        const counted = new CountedSink(sink, () => patience?.rewarded());
        const ending = patience?.signal ?? signal;
        try {
          await laneOf(mirror ? sources.at(mirror) : sources.origin).read(blob, position, counted.take, ending);
          mirror?.worked();
          return;
        } catch (error) {
          signal.throwIfAborted();
          if (counted.hasThrown(error)) throw error; // the caller's own
          if (!mirror) throw withMirrorFailures(error, failures);
          failures.push({ mirror: mirror.place, error });
          const hasDelivered = counted.bytes > 0;
          mirror.failed(error, key, { digest: blob.digest, hasDelivered });
          if (hasDelivered && classifyFailure(error) === "transient") throw error; // a cut: the caller comes back to go on
          position += counted.bytes;
        } finally {
          memory.note(key, n); // the time that counts is when it ended
        }
      }
    },
  };
}

/** A sink that knows how much it got, and its own errors. */
class CountedSink {
  bytes = 0;
  readonly #sink: Sink;
  readonly #onChunk: () => void;
  readonly #thrown = new Set<unknown>();

  constructor(sink: Sink, onChunk: () => void) {
    this.#sink = sink;
    this.#onChunk = onChunk;
  }

  readonly take: Sink = (chunk) => {
    this.#onChunk();
    this.bytes += chunk.byteLength;
    try {
      const taken = this.#sink(chunk);
      return taken instanceof Promise ? taken.catch((error: unknown) => this.#rethrow(error)) : taken;
    } catch (error) {
      return this.#rethrow(error);
    }
  };

  hasThrown(error: unknown): boolean {
    return this.#thrown.has(error);
  }

  #rethrow(error: unknown): never {
    this.#thrown.add(error);
    throw error;
  }
}
