/** Blobs and their bytes together. */
export interface BlobCount {
  readonly blobs: number;
  readonly bytes: number;
}
