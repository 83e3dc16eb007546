import { type FailureClass, printable } from "@tranship/registry";

/** The side of a mirror a failure happened on. */
export type Side = "source" | "target" | "local";

/** What each {@link MirrorErrorCode} carries in `details`. Adding a code is adding a line here. */
export interface MirrorErrorDetails {
  /** A selection expression that cannot be read; `hint` says how to write what was probably meant. */
  SELECTION_INVALID: { expression: string; hint?: string };
  /** Packages asked for by name that the source's catalog does not list. */
  NOT_IN_CATALOG: { catalog: string; names: readonly string[] };
  /**
   * A tag or digest asked for by name that the source does not have. With `isThere` the repository or the image is there,
   * and no tag or platform of it is one that was asked for.
   */
  IMAGE_NOT_FOUND: { reference: string; isThere?: boolean };
  /** A tag that was asked for together with a digest, and is another image at the source. */
  TAG_MOVED: { reference: string; expected: string; actual: string };
  /** Images of two sources that would be stored under one path and tag, and are not the same. */
  PATH_CONFLICT: { path: string; references: readonly string[] };
  /**
   * Reading or writing one image failed; `cause` says how, `failure` whether trying again may help. `catalog` is there when
   * it was the list of a catalog's names that could not be read.
   */
  TRANSFER_FAILED: { side: Side; reference: string; failure: FailureClass; code?: string; catalog?: string };
  /** A file inside an image that is there and cannot be used. */
  IMAGE_FILE_INVALID: { reference: string; file: string; reason: string };
  /** An image of an image layout that was never given metadata, or a tag the layout does not hold. */
  IMAGE_META_NOT_FOUND: { layout: string; tag?: string };
  /** A directory that is not a usable OCI image layout. */
  LAYOUT_INVALID: { layout: string; reason: string };
  /** No bundle at this place. */
  BUNDLE_NOT_FOUND: { bundle: string };
  /** The bundle's pull has not finished; running it again goes on where it stopped. */
  BUNDLE_UNFINISHED: { bundle: string };
  /** Another process, or another pull of this one, is writing this bundle. */
  BUNDLE_LOCKED: { bundle: string; owner?: string };
  /** The directory holds what a pull must not overwrite. */
  BUNDLE_NOT_EMPTY: { bundle: string };
  /**
   * An archive that is damaged or was made to do harm; nothing of the bundle is used. `file` is the chunk at fault, `files`
   * are those one of which is.
   */
  ARCHIVE_INVALID: { archive: string; file?: string; files?: readonly string[]; entry?: string; reason: string };
  /** A bundle that no lock file describes, where one is needed: to repair it, or to know what it relies on. */
  BUNDLE_UNLOCKED: { bundle: string };
  /**
   * A bundle that was made over a base lacks what the base should have brought: blobs that are neither in the bundles at
   * hand nor, for a push, at the target. `references` names some of them.
   */
  BASE_MISSING: { place: string; blobs: number; bytes: number; references: readonly string[] };
  /** Tags that name other images at the target, where that was not to be. */
  TAG_CONFLICT: { target: string; references: readonly string[] };
  /**
   * The target takes no index whose images it does not have, and `reference` is one that is pushed without those for other
   * platforms. Nothing of its repository was named before that.
   */
  SPARSE_INDEX_REFUSED: { target: string; reference: string; leftOut: number };
  /** A plan or lock file that cannot be read or is of a version this one does not know. */
  PLAN_INVALID: { file: string; reason: string };
  /** A base that cannot be read: no inventory, plan or lock file, or of a version this one does not know. */
  INVENTORY_INVALID: { file: string; reason: string };
  /** A place that does not say which repositories it has. */
  REPOSITORIES_UNKNOWN: { place: string };
  /** What the plan fixed is no longer at the source. */
  PLAN_OUTDATED: { reference: string; reason: string };
  /** The file system is full, or too full for what comes next; sizes in bytes, `neededBytes` where it is known. */
  NO_SPACE: { path: string; neededBytes?: number; freeBytes: number };
  /** The file system cannot hold a file of that size, or nobody would read an index of it; `maxBytes` where the limit is known. */
  FILE_TOO_LARGE: { path: string; neededBytes?: number; maxBytes?: number };
  /** Reading or writing a local file failed; `reason` is the system's code, such as `EACCES`. */
  FILE_FAILED: { path: string; reason: string };
}

/** Stable codes of {@link MirrorError}. */
export type MirrorErrorCode = keyof MirrorErrorDetails;

/** Longer messages are cut, in characters. */
const maxMessageLength = 2000;

/** The error class of mirroring: branch on `code`, read `message`, find what happened below in `cause`. */
export class MirrorError<Code extends MirrorErrorCode = MirrorErrorCode> extends Error {
  override readonly name: "MirrorError" = "MirrorError";
  readonly code: Code;
  readonly details: MirrorErrorDetails[Code];

  constructor(code: Code, message: string, details: MirrorErrorDetails[Code], options?: ErrorOptions) {
    super(printable(message, maxMessageLength), options); // it may quote what a hostile file says
    this.code = code;
    this.details = details;
  }
}

/** Whether `error` is a {@link MirrorError}, with `code` if one is given; also across two installed copies of this package. */
export function isMirrorError<Code extends MirrorErrorCode>(error: unknown, code?: Code): error is MirrorError<Code> {
  if (!(error instanceof Error) || error.name !== "MirrorError") return false;
  return code === undefined || (error as { readonly code?: unknown }).code === code;
}
