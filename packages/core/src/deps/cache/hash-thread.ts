import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import type { DigestAlgorithm } from "@tranship/registry";
import type { HashedFile } from "./hash-file.ts";

/** What a thread is asked for. */
export type HashOrder =
  | { readonly type: "hash"; readonly path: string; readonly algorithm: DigestAlgorithm }
  | { readonly type: "stop" };

/** What it answers to each order to hash. */
export type HashAnswer =
  | { readonly type: "hashed"; readonly hashed: HashedFile }
  | { readonly type: "stopped" }
  | { readonly type: "failed"; readonly code: string | undefined; readonly message: string };

/** A thread that hashes one file after another. It starts with the first, and keeps no process alive while it is idle. */
export class HashThread implements AsyncDisposable {
  #worker: Worker | undefined;

  /** Hashes a file; one at a time. An aborted call rejects when the thread is free again. @throws the system's errors; `signal.reason` */
  async hash(path: string, algorithm: DigestAlgorithm, signal?: AbortSignal): Promise<HashedFile> {
    signal?.throwIfAborted();
    this.#worker ??= startWorker();
    const worker = this.#worker;
    const { promise, resolve, reject } = Promise.withResolvers<HashAnswer>();
    const onAbort = () => worker.postMessage({ type: "stop" } satisfies HashOrder);
    const onExit = (code: number) => reject(new Error(`the thread that hashes ${path} ended with code ${code}`));
    worker.ref();
    worker.on("message", resolve).on("error", reject).on("messageerror", reject).on("exit", onExit);
    signal?.addEventListener("abort", onAbort, { once: true });
    try {
      worker.postMessage({ type: "hash", path, algorithm } satisfies HashOrder);
      const answer = await promise;
      signal?.throwIfAborted();
      if (answer.type === "hashed") return answer.hashed;
      if (answer.type === "failed") throw Object.assign(new Error(answer.message), { code: answer.code });
      throw new Error(`the thread that hashes ${path} was stopped`);
    } catch (error) {
      if (worker.threadId === -1) this.#worker = undefined; // it died: the next file starts another
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
      worker.off("message", resolve).off("error", reject).off("messageerror", reject).off("exit", onExit);
      worker.unref();
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
  return new Worker(new URL(`./hash-worker${extname(import.meta.url)}`, import.meta.url));
}
