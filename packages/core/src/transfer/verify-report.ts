import type { BlobCount } from "../plan/blob-count.ts";
import type { LeftOutCount } from "../plan/left-out.ts";

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
  /** The chunks the entry lies in, where the archive is in chunks. */
  readonly files?: readonly string[] | undefined;
  /** The image or blob as `repository:tag` or `repository@digest`. */
  readonly reference?: string | undefined;
}

/** What a verification read of one repository. */
export interface VerifiedContent extends BlobCount {
  /** The repository's path below the registry root. */
  readonly path: string;
  /** Its tags. */
  readonly images: number;
}

/** What a verification read and found; plain data, equal for equal content, sizes in bytes. */
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
  /** What the images need and a base must bring, each blob once: not there, and no finding. */
  readonly assumed: BlobCount;
  /** What indexes list and the plan or the lock leaves out on purpose, whether it is there or not: no finding. @defaultValue none */
  readonly leftOut?: LeftOutCount | undefined;
  /** The counts by repository, bytewise by path. */
  readonly repositories: readonly VerifiedContent[];
  readonly findings: readonly VerifyFinding[];
}
