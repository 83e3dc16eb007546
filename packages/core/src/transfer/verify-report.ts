/**
 * What a verification found that should not be so; plain data. `code` is the stable code of the error behind it, such as
 * `DIGEST_MISMATCH`, `NOT_FOUND` or `ARCHIVE_INVALID`; `message` is for people.
 */
export interface VerifyFinding {
  readonly code: string;
  readonly message: string;
  /** The archive it was found in, where there is one. */
  readonly archive?: string | undefined;
  /** The archive's entry. */
  readonly entry?: string | undefined;
  /** The image or blob as `repository:tag` or `repository@digest`. */
  readonly reference?: string | undefined;
}

/** What a verification read and found; plain data, sizes in bytes. */
export interface VerifyReport {
  /** Whether there are no findings. */
  readonly ok: boolean;
  /** Archives read; 0 where the place has none. */
  readonly archives: number;
  /** Named images (tags) whose graphs were walked. */
  readonly images: number;
  /** Blobs hashed; a copy in a second archive or repository counts again. */
  readonly blobs: number;
  /** Bytes hashed. */
  readonly bytes: number;
  readonly findings: readonly VerifyFinding[];
}
