import { ArchiveFault } from "./archive-fault.ts";
import { type ByteString, textOfByteString } from "./byte-string.ts";
import type { DataExtent } from "./layer-entry.ts";
import { blockBytes, numberField } from "./tar-fields.ts";

const pointBytes = 24;
const newline = 0x0a;

/** Where an old GNU header has its four points, and a block of further ones its 21; what follows them says whether there are more. */
export const gnuSparsePlaces = {
  header: { at: 386, points: 4 },
  extension: { at: 0, points: 21 },
} as const;

/**
 * Adds the points in the block at `at` to `map`, offsets and lengths in turn. Gives whether a block with more follows.
 * @throws ArchiveFault
 * @see GNU tar manual, "Old GNU Format"
 */
export function takeGnuPoints(block: Buffer, at: number, place: keyof typeof gnuSparsePlaces, map: number[]): boolean {
  const { at: first, points } = gnuSparsePlaces[place];
  const end = at + first + points * pointBytes;
  for (let index = at + first; index < end && block[index] !== 0; index += pointBytes) {
    const offset = numberField(block, index, 12);
    const length = numberField(block, index + 12, 12);
    if (offset === undefined || length === undefined) throw new ArchiveFault("the map of a sparse file has no numbers");
    map.push(offset, length);
  }
  return block[end] !== 0;
}

/** The size of an old GNU sparse file, holes included. @throws ArchiveFault */
export function gnuSparseSize(block: Buffer, at: number): number {
  const size = numberField(block, at + 483, 12);
  if (size === undefined || size < 0) throw new ArchiveFault("the size of a sparse file is no number that can be used");
  return size;
}

/**
 * A map that precedes the data, as lines of decimal digits: how many points, then each one's offset and length, padded to
 * a block.
 * @see GNU tar manual, "PAX Format, Version 1.0"
 */
export class SparseMapReader {
  readonly map: number[] = [];
  #count: number | undefined;
  #number = 0;
  #digits = 0;

  /** Takes the next block, and gives whether it was the last. @throws ArchiveFault */
  take(block: Uint8Array, at: number): boolean {
    for (let index = at; index < at + blockBytes; index += 1) {
      const byte = block[index] as number;
      if (byte === newline && this.#digits > 0) {
        if (this.#takeNumber()) return true;
        continue;
      }
      const digit = byte - 0x30;
      if (digit < 0 || digit > 9 || this.#digits > 15)
        throw new ArchiveFault("the map of a sparse file has no numbers");
      this.#number = this.#number * 10 + digit;
      this.#digits += 1;
    }
    return false;
  }

  #takeNumber(): boolean {
    if (this.#count === undefined) this.#count = this.#number;
    else this.map.push(this.#number);
    this.#number = 0;
    this.#digits = 0;
    return this.map.length === 2 * this.#count;
  }
}

/**
 * The parts of a sparse file that have data, which lies without gaps from `offset` of the unpacked layer on and is
 * `dataBytes` long.
 * @throws ArchiveFault when the map cannot be that file's
 */
export function extentsOf(
  map: readonly number[],
  name: ByteString,
  size: number,
  offset: number,
  dataBytes: number,
): readonly DataExtent[] {
  const torn = () => new ArchiveFault("its map of what is in a sparse file contradicts itself", textOfByteString(name));
  if (map.length % 2 !== 0) throw torn();
  const extents: DataExtent[] = [];
  let [fileEnd, dataEnd] = [0, 0];
  for (let index = 0; index < map.length; index += 2) {
    const at = map[index] as number;
    const length = map[index + 1] as number;
    if (at < fileEnd || length < 0 || at + length > size) throw torn();
    if (length > 0) extents.push({ at, offset: offset + dataEnd, length });
    fileEnd = at + length;
    dataEnd += length;
  }
  if (dataEnd !== dataBytes) throw torn();
  return extents;
}
