import { tarBlockBytes } from "../../../bundle/tar/tar-block.ts";
import { tarPadding } from "../../../bundle/tar/tar-header.ts";
import type { DataExtent } from "../../../layer-archive/layer-entry.ts";
import type { FileInode } from "../../tree/inode.ts";
import { layerExtents } from "../content-target.ts";

/** How a file with holes is stored: a map, padded to a block, and then its parts one behind the other. */
export interface SparseMap {
  readonly realSize: number;
  readonly map: Buffer;
  /** Bytes of the layer, and where they go (`at`), counted from the end of the map. */
  readonly pieces: readonly DataExtent[];
  /** The map and the parts, in bytes. */
  readonly storedBytes: number;
}

/** A part of the file that is stored. */
interface Part {
  readonly at: number;
  end: number;
}

/**
 * The map of a file that has holes, `undefined` for any other. Holes are kept because there are files that are nothing else:
 * `/var/log/lastlog` of a user with a large number is hundreds of GiB of them. Parts are whole blocks of the file: GNU tar
 * looks for each of them at the start of a block, other readers right behind the one before.
 * @see GNU tar manual, "Storing Sparse Files", "PAX Format, Version 1.0"
 */
export function sparseMapOf(inode: FileInode): SparseMap | undefined {
  if ("bytes" in inode.content || inode.content.extents === undefined) return undefined;
  const extents = layerExtents(inode);
  const { parts, pieces, partBytes } = partsOf(extents, inode.size);
  if (partBytes === inode.size && inode.size === sumOf(extents)) return undefined;
  const numbers = [...parts.map(({ at, end }) => [at, end - at]), [inode.size, 0]]; // GNU tar ends every map so
  const text = `${numbers.length}\n${numbers.map(([at, length]) => `${at}\n${length}\n`).join("")}`;
  const map = Buffer.alloc(text.length + tarPadding(text.length));
  map.write(text, "latin1");
  return { realSize: inode.size, map, pieces, storedBytes: map.byteLength + partBytes };
}

function partsOf(extents: readonly DataExtent[], size: number) {
  const parts: Part[] = [];
  const pieces: DataExtent[] = [];
  let partBytes = 0;
  for (const { at, offset, length } of extents) {
    const start = at - (at % tarBlockBytes);
    const end = Math.min(size, at + length + tarPadding(at + length));
    let part = parts.at(-1);
    if (!part || part.end < start) {
      part = { at: start, end: start };
      parts.push(part);
    }
    pieces.push({ at: partBytes - (part.end - at), offset, length });
    partBytes += Math.max(0, end - part.end);
    part.end = Math.max(part.end, end);
  }
  return { parts, pieces, partBytes };
}

function sumOf(extents: readonly DataExtent[]): number {
  return extents.reduce((sum, { length }) => sum + length, 0);
}
