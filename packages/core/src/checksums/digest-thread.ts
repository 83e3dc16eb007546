import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { localError } from "../bundle/disk/local-error.ts";
import type { ChecksumKind } from "./sidecar.ts";

/** What a digest thread is asked for. */
export interface DigestJob {
  readonly path: string;
  readonly kinds: readonly ChecksumKind[];
}

/** What a digest thread tells. `code` is the system's, such as `EIO`. */
export type DigestMessage =
  | { readonly type: "read"; readonly bytes: number }
  | { readonly type: "done"; readonly digests: readonly (readonly [ChecksumKind, string])[] }
  | { readonly type: "failed"; readonly code: string };

/** Options of {@link DigestThread.digest}. */
export interface DigestOptions {
  readonly signal?: AbortSignal | undefined;
  /** So many more bytes are hashed. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * A thread that hashes one file after another, because GOST keeps a processor busy for longer than a disk takes to bring
 * the bytes. It starts with the first file; memory is one buffer of a MiB.
 */
export class DigestThread implements AsyncDisposable {
  #worker: Worker | undefined;

  /**
   * Reads a file once and gives its digests, as lowercase hexadecimal digits. One file at a time: wait for it before the
   * next.
   * @throws MirrorError `FILE_FAILED`
   */
  async digest(
    path: string,
    kinds: readonly ChecksumKind[],
    { signal, onBytes }: DigestOptions = {},
  ): Promise<ReadonlyMap<ChecksumKind, string>> {
    signal?.throwIfAborted();
    this.#worker ??= startWorker();
    const worker = this.#worker;
    const done = Promise.withResolvers<ReadonlyMap<ChecksumKind, string>>();
    const onAbort = () => done.reject(signal?.reason);
    const onMessage = (message: DigestMessage) => {
      if (message.type === "read") onBytes?.(message.bytes);
      else if (message.type === "done") done.resolve(new Map(message.digests));
      else done.reject(localError(Object.assign(new Error(message.code), { code: message.code }), path));
    };
    const onError = (error: unknown) => done.reject(error);
    const onExit = (code: number) => done.reject(new Error(`the thread that hashes ${path} ended with code ${code}`));
    signal?.addEventListener("abort", onAbort, { once: true });
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
    try {
      const job: DigestJob = { path, kinds };
      worker.postMessage(job);
      return await done.promise;
    } catch (error) {
      await this[Symbol.asyncDispose](); // it may still be reading
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
    }
  }

  /** Ends the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }
}

function startWorker(): Worker {
  // the build gives this file and its neighbour another ending, and rewrites imports only
  return new Worker(new URL(`./digest-worker${extname(import.meta.url)}`, import.meta.url));
}
