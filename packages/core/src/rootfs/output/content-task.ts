import { inflateLayer } from "../layers/inflate.ts";
import { layerInvalid } from "../layers/layer-fault.ts";
import type { LayerTask } from "../layers/layer-task.ts";
import type { ContentJob, RefusedAttribute } from "./content-job.ts";
import { ContentSink } from "./content-sink.ts";

/** Bytes of contents that were written since the last message. */
export type ContentMessage = number;

/** Told after so many bytes. */
const messageBytes = 4 * 1024 * 1024;

/**
 * Reads one layer and writes the files that have their bytes in it; gives what could not be given to them. The layer is read
 * to its end even where the last file ends before that: only all of its bytes prove that they are the image's, and those
 * that were read when the tree was made may be others by now.
 */
export const runTask: LayerTask<ContentJob, ContentMessage, readonly RefusedAttribute[]> = async (job, { post }) => {
  const sink = new ContentSink(job);
  let told = 0;
  const onChunk = (chunk: Uint8Array): Promise<void> | undefined => {
    sink.write(chunk);
    if (sink.written - told < messageBytes) return undefined;
    const more = sink.written - told;
    told = sink.written;
    return post(more);
  };
  try {
    await inflateLayer(job.layer, onChunk, { reference: job.reference });
    if (!sink.isDone) throw layerInvalid(job.reference, job.layer, "it ends before a file of it does");
    if (sink.written > told) await post(sink.written - told);
    return sink.refused;
  } finally {
    sink[Symbol.dispose](); // Node 22 runs these sources in threads, and cannot read `using`
  }
};
