import { inflateLayer } from "../layers/inflate.ts";
import type { LayerFile } from "../layers/layer-file.ts";
import type { LayerTask } from "../layers/layer-task.ts";

/** Part of an unpacked layer, in bytes. */
export interface LayerRange {
  readonly offset: number;
  readonly length: number;
}

/** What to read. */
export interface RangesInput {
  readonly file: LayerFile;
  /** The image, for messages. */
  readonly reference: string;
  /** Ascending by offset. */
  readonly ranges: readonly LayerRange[];
}

/** One range's bytes, true only once the task has ended well. */
export interface RangeBytes {
  /** Which of the input's ranges. */
  readonly index: number;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * Reads ranges of an unpacked layer in one pass, to its end, so that what it gives is proved by the layer's digest. A range
 * that goes beyond the end is left out.
 */
export const runTask: LayerTask<RangesInput, readonly RangeBytes[], void> = async (
  { file, reference, ranges },
  context,
) => {
  let open: Array<RangeBytes & LayerRange> = [];
  let opened = 0;
  let position = 0;
  const take = async (chunk: Uint8Array) => {
    const start = position;
    position += chunk.byteLength;
    for (let range = ranges[opened]; range !== undefined && range.offset < position; range = ranges[opened]) {
      open.push({ ...range, index: opened, bytes: new Uint8Array(range.length) });
      opened++;
    }
    for (const { offset, length, bytes } of open) {
      const from = Math.max(offset, start);
      bytes.set(chunk.subarray(from - start, Math.min(offset + length, position) - start), from - offset);
    }
    const isWhole = ({ offset, length }: LayerRange) => offset + length <= position;
    const whole = open.filter(isWhole).map(({ index, bytes }) => ({ index, bytes }));
    open = open.filter((range) => !isWhole(range));
    if (whole.length > 0)
      await context.post(
        whole,
        whole.map(({ bytes }) => bytes.buffer),
      );
  };
  await inflateLayer(file, take, { reference });
};
