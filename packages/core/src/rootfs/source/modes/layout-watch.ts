import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Digest, digestAlgorithm, digestHex } from "@tranship/registry";
import { type OnPullProgress, PullProgressTracker } from "../../progress/pull-progress.ts";
import type { ResolvedImage } from "../source.ts";
import { LineSplitter } from "./line-splitter.ts";
import { SkopeoProgress } from "./skopeo-progress.ts";

/** Files that are being written and looked at, at most; skopeo writes six at a time. */
const maxUnfinished = 64;

/** Options of {@link LayoutWatch}. */
export interface LayoutWatchOptions {
  readonly onPullProgress: OnPullProgress;
  /** @defaultValue 500 */
  readonly pollMs?: number | undefined;
}

/**
 * Tells how far a copy into an image layout is, by the sizes of the files in it: those of the image's layers, and those that
 * are still being written beside them. What skopeo itself prints counts where it tells more.
 */
export class LayoutWatch implements AsyncDisposable {
  readonly #directory: string;
  /** Sizes of the distinct layers. */
  readonly #layers: ReadonlyMap<Digest, number>;
  readonly #totalBytes: number;
  readonly #told: PullProgressTracker;
  readonly #printed: SkopeoProgress;
  readonly #lines = new LineSplitter();
  readonly #over = new AbortController();
  readonly #failed = new AbortController();
  readonly #watching: Promise<void>;

  constructor(directory: string, image: ResolvedImage, { onPullProgress, pollMs = 500 }: LayoutWatchOptions) {
    this.#directory = directory;
    this.#layers = new Map(image.layers.map(({ descriptor: { digest, size } }) => [digest, size]));
    this.#totalBytes = [...this.#layers.values()].reduce((sum, size) => sum + size, 0);
    this.#printed = new SkopeoProgress(this.#totalBytes);
    this.#told = new PullProgressTracker(onPullProgress, { intervalMs: 200 });
    this.#watching = this.#watch(pollMs);
  }

  /** Aborted with what the callback threw. */
  get failed(): AbortSignal {
    return this.#failed.signal;
  }

  /** Takes what skopeo prints. */
  read(chunk: Uint8Array): void {
    for (const line of this.#lines.push(chunk)) this.#printed.takeLine(line);
  }

  /** The copy is there: tells so. */
  async finish(): Promise<void> {
    await this[Symbol.asyncDispose]();
    this.#failed.signal.throwIfAborted();
    this.#tell(this.#totalBytes, this.#layers.size);
    this.#told.flush();
  }

  /** Ends the watching, and tells nothing more. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#watching;
  }

  async #watch(pollMs: number): Promise<void> {
    const { signal } = this.#over;
    try {
      while (!signal.aborted) {
        await this.#look();
        await sleep(pollMs, undefined, { signal });
      }
    } catch (error) {
      if (!signal.aborted) this.#failed.abort(error);
    }
  }

  async #look(): Promise<void> {
    const { signal } = this.#over;
    let bytes = 0;
    let complete = 0;
    for (const [digest, size] of this.#layers) {
      const path = join(this.#directory, "blobs", digestAlgorithm(digest), digestHex(digest));
      if ((await sizeOf(path)) === undefined) continue;
      bytes += size;
      complete++;
    }
    const unfinished = (await namesIn(this.#directory)).filter((name) => name.startsWith("oci-put-blob"));
    for (const name of unfinished.slice(0, maxUnfinished)) bytes += (await sizeOf(join(this.#directory, name))) ?? 0;
    if (!signal.aborted) this.#tell(bytes, complete);
  }

  #tell(bytes: number, complete: number): void {
    const printed = this.#printed.counts();
    const totalLayers = this.#layers.size;
    this.#told.update({
      totalBytes: this.#totalBytes,
      downloadedBytes: Math.min(this.#totalBytes, Math.max(bytes, printed.downloadedBytes)),
      totalLayers,
      completedLayers: Math.min(totalLayers, Math.max(complete, printed.completedLayers)),
    });
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size;
  } catch {
    return undefined; // not there yet, or not there any more
  }
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch {
    return [];
  }
}
