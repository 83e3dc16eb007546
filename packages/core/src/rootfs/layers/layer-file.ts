import type { Digest } from "@tranship/registry";

/** A part of a file on this machine, in bytes. */
export interface FilePiece {
  readonly path: string;
  readonly offset: number;
  readonly length: number;
}

/** A layer as it is stored, at rest on this machine: packed or not, whole or in pieces that follow each other. */
export interface LayerFile {
  /** Counts from 0, the base. */
  readonly layer: number;
  readonly digest: Digest;
  /** Of the layer as stored, in bytes. */
  readonly size: number;
  /** What the image's config says its unpacked bytes hash to. */
  readonly diffId: Digest | undefined;
  readonly pieces: readonly FilePiece[];
}
