import { mkdtempSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { type Blob, type Digest, digestHex, laneOf } from "@tranship/registry";
import { receive } from "../../transfer/receive.ts";
import { RootfsError } from "../errors.ts";
import type { OnRootfsEvent } from "../events.ts";
import { atFile } from "../file-error.ts";
import type { OnPullProgress } from "../progress/pull-progress.ts";
import type { ResolvedImage } from "../source/source.ts";
import { FetchProgress } from "./fetch-progress.ts";
import type { FilePiece, LayerFile } from "./layer-file.ts";
import { LayerSlot } from "./layer-slot.ts";
import { layerSourceError } from "./layer-source-error.ts";
import { hasLocalBlobFiles } from "./local-blob-files.ts";

/** An image whose layers are to come, and where from. */
export type LayeredImage = Pick<ResolvedImage, "reference" | "layers" | "repository">;

/** Layers kept from one run to the next. Nothing that goes wrong with them is thrown. */
export interface KeptLayers {
  /** Puts a layer at `path`, its bytes proven; `false` when it is not there. */
  take(blob: Blob, path: string, signal: AbortSignal): Promise<boolean>;
  /** Keeps the layer at `path`, whose bytes are proven. */
  keep(blob: Blob, path: string, signal: AbortSignal): Promise<void>;
}

/** Options of {@link fetchLayers}. */
export interface FetchLayersOptions {
  /** A folder for what comes; it gets a folder of this user's alone, which goes at the end. */
  readonly directory: string;
  /** Layers on their way at a time. */
  readonly jobs: number;
  /**
   * Bytes, as stored, of layers that are here or on their way and were not asked for yet: beyond, no other is begun.
   * @defaultValue 1 GiB
   */
  readonly lookAheadBytes?: number | undefined;
  readonly cache?: KeptLayers | undefined;
  /** Tries in a row that bring no byte before giving up. @defaultValue 5 */
  readonly attempts?: number | undefined;
  /** The pause before the second try, in milliseconds; it doubles from try to try. @defaultValue 500 */
  readonly delayMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: OnRootfsEvent | undefined;
  readonly onPullProgress?: OnPullProgress | undefined;
}

/**
 * Brings the layers of an image to this machine; nothing happens before the first is asked for. Layers that lie in files of
 * this machine already are used where they lie, unproven.
 */
export function fetchLayers(image: LayeredImage, options: FetchLayersOptions): LayerFetch {
  return new LayerFetch(image, options);
}

/**
 * The layers of an image on their way. Gives each as soon as it is ready, which need not be in the image's order; they are
 * begun in that order. Each digest comes once. The files stay until they are released or this is disposed of, and it must be.
 * Iterate once.
 */
export class LayerFetch implements AsyncIterable<LayerFile>, AsyncDisposable {
  readonly #image: LayeredImage;
  readonly #options: FetchLayersOptions;
  readonly #progress: FetchProgress;
  readonly #abort = new AbortController();
  /** By digest, in the order in which they begin. */
  readonly #blobs = new Map<Digest, WantedBlob>();
  readonly #waiting: WantedBlob[];
  readonly #running = new Set<Promise<void>>();
  readonly #ready: LayerFile[] = [];
  readonly #onAbort = (): void => this.#fail(this.#options.signal?.reason);
  #lookAheadBytes = 0;
  #folder: string | undefined;
  #failure: { readonly error: unknown } | undefined;
  #wake: PromiseWithResolvers<void> | undefined;

  /** Use {@link fetchLayers}. */
  constructor(image: LayeredImage, options: FetchLayersOptions) {
    this.#image = image;
    this.#options = options;
    for (const [layer, { descriptor: blob }] of image.layers.entries()) {
      const same = this.#blobs.get(blob.digest);
      if (same) same.layers.push(layer);
      else this.#blobs.set(blob.digest, { blob, layers: [layer], released: new Set(), path: undefined });
    }
    this.#waiting = [...this.#blobs.values()];
    this.#progress = new FetchProgress(
      image.layers.map(({ descriptor }) => descriptor),
      options,
    );
  }

  /**
   * Gives every layer once. Leaving the loop early ends what is on its way.
   * @throws RootfsError `SOURCE_FAILED`, `LAYER_MISMATCH`, `IMAGE_INVALID`, `NO_SPACE`, `FILE_FAILED`
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<LayerFile, void, undefined> {
    const { signal } = this.#options;
    signal?.throwIfAborted();
    signal?.addEventListener("abort", this.#onAbort, { once: true });
    try {
      this.#requireSizes();
      this.#progress.start();
      this.#startWaiting();
      for (let given = 0; given < this.#image.layers.length; given += 1) yield await this.#next();
      this.#progress.finish();
    } finally {
      signal?.removeEventListener("abort", this.#onAbort);
      await this.#end();
    }
  }

  /** Nobody will read this layer again: its file goes, unless another layer has the same bytes. */
  async release(layer: number): Promise<void> {
    const digest = this.#image.layers[layer]?.descriptor.digest;
    const wanted = digest && this.#blobs.get(digest);
    if (!wanted) return;
    wanted.released.add(layer);
    const { path } = wanted;
    if (wanted.released.size < wanted.layers.length || path === undefined) return;
    wanted.path = undefined;
    await rm(path, { force: true }).catch((error: unknown) => this.#leave(path, error));
  }

  /** Ends what is on its way and removes all files. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
    const folder = this.#folder;
    this.#folder = undefined;
    if (folder === undefined) return;
    await rm(folder, { recursive: true, force: true }).catch((error: unknown) => this.#leave(folder, error));
  }

  /** A digest belongs to bytes of one size. */
  #requireSizes(): void {
    const { reference, layers } = this.#image;
    for (const [layer, { descriptor: blob }] of layers.entries()) {
      const { size } = this.#blobs.get(blob.digest)?.blob ?? blob;
      if (size === blob.size && Number.isSafeInteger(size) && size >= 0) continue;
      const reason = `layer ${layer}, ${blob.digest}, is said to have ${blob.size} bytes`;
      throw new RootfsError("IMAGE_INVALID", `cannot read ${reference}: ${reason}`, { reference, reason });
    }
  }

  async #next(): Promise<LayerFile> {
    for (;;) {
      if (this.#failure) throw this.#failure.error;
      const file = this.#ready.shift();
      if (file) {
        if (this.#blobs.get(file.digest)?.layers[0] === file.layer) this.#lookAheadBytes -= file.size;
        this.#startWaiting();
        return file;
      }
      this.#wake = Promise.withResolvers();
      await this.#wake.promise;
    }
  }

  #startWaiting(): void {
    const { jobs, lookAheadBytes = 1024 ** 3 } = this.#options;
    while (!this.#failure && this.#running.size < Math.max(1, Math.trunc(jobs) || 1)) {
      const next = this.#waiting[0];
      const isTooMuch = this.#lookAheadBytes > 0 && this.#lookAheadBytes + (next?.blob.size ?? 0) > lookAheadBytes;
      if (!next || isTooMuch) return; // what is due next always finds nothing before it
      this.#waiting.shift();
      this.#lookAheadBytes += next.blob.size;
      const running = this.#bring(next).catch((error: unknown) => this.#fail(error));
      this.#running.add(running);
      void running.then(() => {
        this.#running.delete(running);
        this.#startWaiting();
      });
    }
  }

  async #bring(wanted: WantedBlob): Promise<void> {
    const { blob, layers } = wanted;
    const pieces = await this.#piecesOf(wanted);
    if (this.#failure) return; // nobody waits for it
    for (const layer of layers) {
      const diffId = this.#image.layers[layer]?.diffId;
      this.#ready.push({ layer, digest: blob.digest, size: blob.size, diffId, pieces });
      this.#progress.layerFinished(layer);
    }
    this.#wake?.resolve();
  }

  async #piecesOf(wanted: WantedBlob): Promise<readonly FilePiece[]> {
    const { blob } = wanted;
    const { signal } = this.#abort;
    const local = await this.#localPieces(wanted);
    if (local) {
      this.#progress.present(blob.size);
      return local;
    }
    const { cache } = this.#options;
    const path = this.#pathOf(blob);
    wanted.path = path;
    const isKept = await cache?.take(blob, path, signal);
    signal.throwIfAborted();
    if (isKept) this.#progress.present(blob.size);
    else {
      await this.#download(wanted, path);
      await cache?.keep(blob, path, signal);
    }
    return blob.size === 0 ? [] : [{ path, offset: 0, length: blob.size }];
  }

  async #localPieces({ blob, layers }: WantedBlob): Promise<readonly FilePiece[] | undefined> {
    const { signal } = this.#abort;
    const { repository } = this.#image;
    try {
      return hasLocalBlobFiles(repository) ? await repository.filePieces(blob, { signal }) : undefined;
    } catch (error) {
      throw signal.aborted
        ? signal.reason
        : layerSourceError(error, this.#image.reference, layers[0] ?? 0, blob.digest);
    }
  }

  #pathOf({ digest }: Blob): string {
    const { directory } = this.#options;
    this.#folder ??= atFile(directory, () => mkdtempSync(join(directory, ".tranship-layers-"))); // of mode 0700
    return join(this.#folder, digestHex(digest));
  }

  async #download({ blob, layers }: WantedBlob, path: string): Promise<void> {
    const { attempts, delayMs } = this.#options;
    const { signal } = this.#abort;
    using slot = new LayerSlot(path);
    try {
      await receive(blob, laneOf(this.#image.repository), slot, {
        attempts,
        delayMs,
        signal,
        onBytes: (bytes) => this.#progress.downloaded(bytes),
        onRestart: (bytes) => this.#progress.downloaded(-bytes),
      });
    } catch (error) {
      throw signal.aborted
        ? signal.reason
        : layerSourceError(error, this.#image.reference, layers[0] ?? 0, blob.digest);
    }
  }

  /** The first error is the one that is told; what it ends fails only because of it. */
  #fail(error: unknown): void {
    if (this.#failure) return;
    this.#failure = { error };
    this.#abort.abort(error);
    this.#wake?.resolve();
  }

  async #end(): Promise<void> {
    this.#waiting.length = 0;
    this.#abort.abort();
    while (this.#running.size > 0) await Promise.all(this.#running);
    this.#progress.flush();
  }

  #leave(path: string, error: unknown): void {
    const message = `cannot remove ${path}: ${error instanceof Error ? error.message : String(error)}`;
    this.#options.onEvent?.({ type: "warning", warning: { code: "CLEANUP_FAILED", message } });
  }
}

/** A digest that is wanted, for one layer or several. */
interface WantedBlob {
  readonly blob: Blob;
  readonly layers: number[];
  readonly released: Set<number>;
  /** Of the file that was made for it. */
  path: string | undefined;
}
