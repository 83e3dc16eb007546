import type { Blob, Digest } from "@tranship/registry";
import type { OnRootfsEvent } from "../events.ts";
import { type OnPullProgress, PullProgressTracker } from "../progress/pull-progress.ts";

/** Who is told how the layers come. */
export interface FetchListeners {
  readonly onEvent?: OnRootfsEvent | undefined;
  readonly onPullProgress?: OnPullProgress | undefined;
}

/** Counts the bytes of layers as they come, and tells. A digest that several layers have counts once. */
export class FetchProgress {
  readonly #blobs: readonly Blob[];
  readonly #onEvent: OnRootfsEvent | undefined;
  readonly #tracker: PullProgressTracker;
  readonly #totalBytes: number;
  #downloadedBytes = 0;
  #presentBytes = 0;
  #completedLayers = 0;
  #startedMs = 0;

  constructor(blobs: readonly Blob[], { onEvent, onPullProgress }: FetchListeners) {
    this.#blobs = blobs;
    this.#onEvent = onEvent;
    const sizes = new Map<Digest, number>(blobs.map(({ digest, size }) => [digest, size]));
    this.#totalBytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
    this.#tracker = new PullProgressTracker((progress) => {
      onPullProgress?.(progress);
      const { downloadedBytes: done, totalBytes: total } = progress;
      onEvent?.({ type: "stage.progress", stage: "download", done, total, unit: "bytes" });
    });
  }

  start(): void {
    this.#startedMs = performance.now();
    this.#onEvent?.({ type: "stage.started", stage: "download" });
    this.#tracker.tell(this.#counts);
  }

  /** So many bytes came; fewer than none when some are fetched again. */
  downloaded(bytes: number): void {
    this.#downloadedBytes += bytes;
    this.#tracker.update(this.#counts);
  }

  /** So many bytes were at hand. */
  present(bytes: number): void {
    this.#presentBytes += bytes;
    this.downloaded(bytes);
  }

  layerFinished(layer: number): void {
    this.#completedLayers += 1;
    this.#tracker.tell(this.#counts);
    const { digest, size: bytes } = this.#blobs[layer] ?? { digest: "", size: 0 };
    this.#onEvent?.({ type: "layer.finished", layer, layers: this.#blobs.length, digest, bytes });
  }

  /** What was not told yet. */
  flush(): void {
    this.#tracker.flush();
  }

  finish(): void {
    this.flush();
    const elapsedMs = Math.round(performance.now() - this.#startedMs);
    this.#onEvent?.({ type: "stage.finished", stage: "download", elapsedMs });
  }

  get #counts() {
    return {
      totalBytes: this.#totalBytes,
      downloadedBytes: this.#downloadedBytes,
      presentBytes: this.#presentBytes,
      totalLayers: this.#blobs.length,
      completedLayers: this.#completedLayers,
    };
  }
}
