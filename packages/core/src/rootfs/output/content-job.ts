import type { ByteString } from "../../layer-archive/byte-string.ts";
import type { LayerFile } from "../layers/layer-file.ts";

/** What a file that is made is given while it is open. Times are seconds since 1970. */
export interface FileAttributes {
  /** What it is made with, before the process's mask; and what it is set to after that, where the mask would take from it. */
  readonly createMode: number;
  readonly mode: number | undefined;
  /** Both or none; none leaves it to whoever makes it. */
  readonly owner: { readonly uid: number; readonly gid: number } | undefined;
  readonly times: { readonly atime: number; readonly mtime: number } | undefined;
}

/** What a file system or the lack of a privilege may refuse without the work failing. */
export type AttributeKind = "owner" | "mode" | "times";

/** An attribute that could not be given to a file; `file` counts in the order of the targets. */
export interface RefusedAttribute {
  readonly file: number;
  readonly kind: AttributeKind;
}

/**
 * Bytes of one layer and the files they go to, as it crosses to a thread: numbers side by side, because objects cost ten
 * times as much there. Files are in the order of their bytes in the layer and do not overlap.
 */
export interface ContentJob {
  readonly layer: LayerFile;
  /** Of the image: for messages. */
  readonly reference: string;
  readonly paths: readonly ByteString[];
  /** {@link fileFields} numbers a file. */
  readonly files: Float64Array;
  /** {@link extentFields} numbers an extent, in the order of the files. */
  readonly extents: Float64Array;
}

/** Numbers of a file in {@link ContentJob.files}; those that are not there are `NaN`. */
export const FileField = {
  target: 0,
  size: 1,
  position: 2,
  extents: 3,
  createMode: 4,
  mode: 5,
  uid: 6,
  gid: 7,
  atime: 8,
  mtime: 9,
} as const;
/** How many those are. */
export const fileFields = 10;

/** Numbers of an extent in {@link ContentJob.extents}: where it is in the unpacked layer, in the file, and its length. */
export const ExtentField = { offset: 0, at: 1, length: 2 } as const;
/** How many those are. */
export const extentFields = 3;
