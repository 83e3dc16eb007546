/** Ceilings on what an image may ask of this machine. Beyond one, the work ends with `LIMIT_EXCEEDED`. */
export interface RootfsLimits {
  /** Layers of the image. */
  readonly maxLayers: number;
  /** Archive entries of all layers together, and directories that they only imply. */
  readonly maxEntries: number;
  /** Unpacked bytes of all layers together, headers included. */
  readonly maxUnpackedBytes: number;
  /** The logical size of one file, holes included, in bytes. */
  readonly maxFileBytes: number;
  /** Unpacked bytes of a layer to each byte of it as stored; looked at from 64 MiB of unpacked bytes on. */
  readonly maxRatio: number;
  /** Names of a path, the last one included. */
  readonly maxDepth: number;
  /** Bytes of a path, and of a link's target. */
  readonly maxPathBytes: number;
  /**
   * Bytes that paths (with links on their way followed), link targets, extended attributes and maps of sparse files of all
   * entries together take in memory: 400 for each attribute and 80 for each part of a sparse file among them.
   */
  readonly maxMetadataBytes: number;
}

/** The ceilings unless a caller says otherwise. */
export const defaultRootfsLimits: RootfsLimits = {
  maxLayers: 512,
  maxEntries: 4_000_000,
  maxUnpackedBytes: 256 * 1024 ** 3,
  maxFileBytes: 1024 ** 4,
  maxRatio: 512,
  maxDepth: 512,
  maxPathBytes: 4095,
  maxMetadataBytes: 512 * 1024 ** 2,
};

/** The longest name Linux file systems take, in bytes. */
export const maxNameBytes: number = 255;
