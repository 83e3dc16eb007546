import { blockBytes, inodeBytes } from "../ext4/ext4-geometry.ts";
import { ext4Needs } from "../ext4/ext4-needs.ts";
import type { ExportMode } from "../source/source.ts";
import type { DirectoryInode } from "../tree/inode.ts";
import { treeTotals } from "../tree/tree-totals.ts";

/** Bytes that are needed where `path` is, or is to be. */
export interface SpaceNeed {
  readonly path: string;
  readonly bytes: number;
  /** Whether that is a guess, which the safety margin is for. */
  readonly isEstimate: boolean;
  /** How many of them were written already. @defaultValue none */
  readonly writtenBytes?: (() => number) | undefined;
}

/** Where a build writes. */
export interface BuildPlaces {
  /** Where layers are fetched to. */
  readonly layers: string;
  /** Where the contents of files lie until the image is made. */
  readonly contents: string;
  /** The image. */
  readonly image: string;
  /** Where the image is published, if it is copied there. */
  readonly store?: string | undefined;
}

/** What is known of an image before its layers are. */
export interface CompressedSize {
  readonly mode: ExportMode;
  /** All layers together as they are stored; 0 when that is unknown. */
  readonly compressedBytes: number;
  /** Of those what is on this machine already, and is read where it lies. @defaultValue none */
  readonly presentBytes?: number | undefined;
}

/**
 * What a build needs at least, as long as only its layers' sizes are known: the layers themselves, to the byte, and their
 * contents twice, which are taken to be no less unpacked. That refuses nothing that would fit but for what later layers
 * delete; {@link treeSpaceNeeds} is exact, once the layers were read. `undefined` when nothing is known.
 */
export function layerSpaceNeeds(size: CompressedSize, places: BuildPlaces): readonly SpaceNeed[] | undefined {
  const { mode, compressedBytes, presentBytes = 0 } = size;
  if (compressedBytes <= 0) return undefined;
  const fetched = Math.max(0, compressedBytes - presentBytes);
  const copies = [places.contents, places.image, ...(places.store === undefined ? [] : [places.store])];
  return [
    { path: places.layers, bytes: fetched, isEstimate: mode !== "native" }, // a daemon packs or unpacks them as it likes
    ...copies.map((path) => ({ path, bytes: compressedBytes, isEstimate: true })),
  ];
}

/** What a build needs once the tree is known: the contents block by block, and the image with its inodes. */
export function treeSpaceNeeds(root: DirectoryInode, places: Omit<BuildPlaces, "layers">): readonly SpaceNeed[] {
  const contents = treeTotals(root, blockBytes).dataBlocks * blockBytes;
  const { blocks, inodes } = ext4Needs(root);
  const image = blocks * blockBytes + inodes * inodeBytes + formattedBytes(blocks * blockBytes);
  const copies = [places.image, ...(places.store === undefined ? [] : [places.store])];
  return [
    { path: places.contents, bytes: contents, isEstimate: false },
    ...copies.map((path) => ({ path, bytes: image, isEstimate: false })),
  ];
}

/** What a file system has of its own, bitmaps and group descriptors among it, generously. */
function formattedBytes(bytes: number): number {
  return 1024 ** 2 + Math.ceil(bytes / 256);
}
