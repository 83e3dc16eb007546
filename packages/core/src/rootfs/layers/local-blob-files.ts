import type { Blob, CallOptions } from "@tranship/registry";
import type { FilePiece } from "./layer-file.ts";

/** A reader whose blobs lie in plain files of this machine: they can be read where they are, and need not be copied. */
export interface LocalBlobFiles {
  /**
   * Where a blob's bytes are, in order, or `undefined` where they must be read through the reader. Nothing is hashed: who
   * reads the pieces does.
   */
  filePieces(blob: Blob, options?: CallOptions): Promise<readonly FilePiece[] | undefined>;
}

/** Whether blobs of `reader` may be read where they lie. */
export function hasLocalBlobFiles<Reader extends object>(reader: Reader): reader is Reader & LocalBlobFiles {
  return "filePieces" in reader && typeof reader.filePieces === "function";
}
