import { closeSync } from "node:fs";
import { textOfByteString } from "../../layer-archive/byte-string.ts";
import { atFile } from "../file-error.ts";
import { taskModule } from "../layers/layer-task.ts";
import type { LayerWorkers } from "../layers/layer-workers.ts";
import type { RootfsTree } from "../tree/rootfs-tree.ts";
import type { FileAttributes, RefusedAttribute } from "./content-job.ts";
import { type ContentTarget, layerExtents } from "./content-target.ts";
import type { ContentMessage } from "./content-task.ts";
import { extendFile, finishFile, makeFile, openFile, writeAt } from "./file-writer.ts";
import { packContentJobs } from "./pack-content-jobs.ts";

/** Options of {@link writeContents}. */
export interface WriteContentsOptions {
  readonly workers: LayerWorkers;
  /** The image, for messages. @defaultValue "the image" */
  readonly reference?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** So many more bytes are written. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** What a new file has unless it is told otherwise: nobody else reads it before it is done. */
const privateFile: FileAttributes = { createMode: 0o600, mode: undefined, owner: undefined, times: undefined };

/**
 * Writes the bytes of files, each once: every layer that has some is read once more from end to end, hashed again on the
 * way, all of them side by side in the threads. Holes of sparse files stay holes. Hard links are one target. Gives the
 * attributes that could not be given, `file` counting in the order of `targets`. When it fails, files may be left behind.
 * @throws RootfsError `LAYER_INVALID`, `LAYER_MISMATCH`, `FILE_FAILED`, `NO_SPACE`
 */
export async function writeContents(
  tree: RootfsTree,
  targets: readonly ContentTarget[],
  { workers, reference = "the image", signal, onBytes }: WriteContentsOptions,
): Promise<readonly RefusedAttribute[]> {
  signal?.throwIfAborted();
  const stop = new AbortController();
  const everyone = AbortSignal.any([stop.signal, ...(signal ? [signal] : [])]);
  const module = taskModule("content-task", import.meta.url);
  const runs = packContentJobs(tree, targets, reference).map(async (job) => {
    try {
      return await workers.run<typeof job, ContentMessage, readonly RefusedAttribute[]>(module, job, {
        signal: everyone,
        onMessage: (bytes) => onBytes?.(bytes),
        transfer: [job.files.buffer as ArrayBuffer, job.extents.buffer as ArrayBuffer],
      });
    } catch (error) {
      stop.abort(error); // the others have nothing left to work for
      throw error;
    }
  });
  const here = writeLocal(targets, everyone, onBytes).catch((error: unknown) => {
    stop.abort(error);
    throw error;
  });
  const results = await Promise.allSettled([here, ...runs]);
  if (everyone.aborted) throw everyone.reason;
  return results.flatMap((result) => (result.status === "fulfilled" ? result.value : []));
}

/** Targets written without the event loop having its turn. */
const atOnce = 500;

async function writeLocal(
  targets: readonly ContentTarget[],
  signal: AbortSignal,
  onBytes: WriteContentsOptions["onBytes"],
): Promise<readonly RefusedAttribute[]> {
  const refused: RefusedAttribute[] = [];
  let count = 0;
  for (const [file, target] of targets.entries()) {
    if (layerExtents(target.inode).length > 0) continue;
    signal.throwIfAborted();
    atFile(textOfByteString(target.path), () => writeTarget(target, (kind) => refused.push({ file, kind })));
    if ("bytes" in target.inode.content) onBytes?.(target.inode.content.bytes.byteLength);
    count += 1;
    if (count % atOnce === 0) await new Promise(setImmediate);
  }
  return refused;
}

function writeTarget(
  { inode: { content, size }, path, position, attributes = privateFile }: ContentTarget,
  onRefused: (kind: RefusedAttribute["kind"]) => void,
): void {
  const bytes = "bytes" in content ? content.bytes : new Uint8Array();
  if (position !== undefined && bytes.byteLength === 0) return;
  const descriptor = position === undefined ? makeFile(path, attributes.createMode) : openFile(path);
  try {
    writeAt(descriptor, path, bytes, position ?? 0);
    if (position === undefined && bytes.byteLength < size) extendFile(descriptor, path, size);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
  if (position === undefined) finishFile(descriptor, path, attributes, onRefused);
  else closeSync(descriptor);
}
