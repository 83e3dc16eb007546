import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { localError } from "../bundle/local-error.ts";
import type { ChecksumKind } from "./sidecar.ts";

/** What a digest thread is given. */
export interface DigestJob {
  readonly path: string;
  readonly kinds: readonly ChecksumKind[];
}

/** What a digest thread tells. `code` is the system's, such as `EIO`. */
export type DigestMessage =
  | { readonly type: "read"; readonly bytes: number }
  | { readonly type: "done"; readonly digests: readonly (readonly [ChecksumKind, string])[] }
  | { readonly type: "failed"; readonly code: string };

/** Options of {@link digestFile}. */
export interface DigestFileOptions {
  readonly signal?: AbortSignal | undefined;
  /** So many more bytes are hashed. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * Reads a file once and gives its digests, as lowercase hexadecimal digits. In a thread of its own, because GOST takes the
 * processor about as long as a disk takes to bring the bytes; memory is one buffer of a MiB.
 * @throws MirrorError `FILE_FAILED`
 */
export async function digestFile(
  path: string,
  kinds: readonly ChecksumKind[],
  { signal, onBytes }: DigestFileOptions = {},
): Promise<ReadonlyMap<ChecksumKind, string>> {
  signal?.throwIfAborted();
  // the build gives this file and its neighbour another ending, and rewrites imports only
  const script = new URL(`./digest-worker${extname(import.meta.url)}`, import.meta.url);
  const workerData: DigestJob = { path, kinds };
  const worker = new Worker(script, { workerData });
  const done = Promise.withResolvers<ReadonlyMap<ChecksumKind, string>>();
  const abort = () => done.reject(signal?.reason);
  signal?.addEventListener("abort", abort, { once: true });
  worker.on("message", (message: DigestMessage) => {
    if (message.type === "read") onBytes?.(message.bytes);
    else if (message.type === "done") done.resolve(new Map(message.digests));
    else done.reject(localError(Object.assign(new Error(message.code), { code: message.code }), path));
  });
  worker.on("error", (error) => done.reject(error));
  worker.on("exit", (code) => done.reject(new Error(`the thread that hashes ${path} ended with code ${code}`)));
  try {
    return await done.promise;
  } finally {
    signal?.removeEventListener("abort", abort);
    await worker.terminate();
  }
}
