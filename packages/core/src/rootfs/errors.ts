import { type FailureClass, printable } from "@tranship/registry";

/** What each {@link RootfsErrorCode} carries in `details`. Adding a code is adding a line here. */
export interface RootfsErrorDetails {
  /** A text that is no image reference. */
  REFERENCE_INVALID: { reference: string; reason: string };
  /** A folder or archive without the image that is wanted, or with several where none is named; `offered` are some it has. */
  IMAGE_NOT_FOUND: { reference: string; offered: readonly string[] };
  /** An index without an image for the platform that is wanted; `offered` are those it has. */
  PLATFORM_NOT_FOUND: { reference: string; wanted: string; offered: readonly string[] };
  /** An image that was made for another platform than the one that is wanted. */
  PLATFORM_MISMATCH: { reference: string; wanted: string; actual: string };
  /** A manifest or config that cannot be used as an image's. */
  IMAGE_INVALID: { reference: string; reason: string };
  /** A layer the registry does not have: whoever made the image only says where else it was, at these hosts. */
  LAYER_FOREIGN: { reference: string; layer: number; digest: string; hosts: readonly string[] };
  /** Credentials for `host` that others could read on their way, which was not allowed. Nothing was sent. */
  CREDENTIALS_EXPOSED: { reference: string; host: string };
  /** A source that was not prepared, or not in the mode that is asked for. */
  SOURCE_UNPREPARED: { reference: string; reason: string };
  /** Reading the image at its source failed; `layer` counts from 0, the base, `code` is the registry error's. */
  SOURCE_FAILED: { reference: string; layer?: number; digest?: string; failure: FailureClass; code?: string };
  /** A layer that cannot be read as one; `layer` counts from 0, the base, `entry` is the archive entry at fault. */
  LAYER_INVALID: { reference: string; layer: number; digest: string; entry?: string; reason: string };
  /** A layer whose bytes are others than its digest says: as they are stored, or (`isDiffId`) unpacked. */
  LAYER_MISMATCH: { reference: string; layer: number; expected: string; actual: string; isDiffId: boolean };
  /** An image over one of the ceilings; `limit` is the option's name, `max` its value. */
  LIMIT_EXCEEDED: { reference: string; limit: string; max: number; layer?: number; entry?: string };
  /** An edit of the tree that cannot be made: nothing there, something else there, or a path that ends in itself. */
  EDIT_FAILED: { path: string; reason: string };
  /** A hook that failed, or the program that is one. */
  HOOK_FAILED: { reference: string; hook?: string; exitCode?: number; output?: string };
  /** Something is where the output goes, and is not to be replaced. */
  OUTPUT_EXISTS: { path: string };
  /** An image file that would not hold the tree; sizes in bytes. */
  SIZE_TOO_SMALL: { sizeBytes: number; neededBytes: number };
  /** Something in a tree that this kind of output cannot hold; `path` is where it is. */
  TREE_UNFIT: { path: string; reason: string };
  /** A program that is needed and is not on `PATH`. */
  TOOL_MISSING: { tool: string; purpose: string };
  /** A program that is there and cannot do what is needed of it. */
  TOOL_UNFIT: { tool: string; reason: string };
  /** A program that failed; `output` is the end of what it wrote. */
  TOOL_FAILED: { tool: string; step: string; exitCode?: number; signal?: string; output: string };
  /** No Docker daemon answers, or it answered with an error. */
  DAEMON_FAILED: { endpoint: string; status?: number; reason: string };
  /** An artifact id that is none. */
  ARTIFACT_ID_INVALID: { id: string };
  /** Another build of this artifact is under way. */
  ARTIFACT_BUSY: { id: string; owner?: string };
  /** A finished file that is not the one it was said to be. */
  ARTIFACT_MISMATCH: { path: string; expected: string; actual: string };
  /** A store that cannot be made or used; `roots` are all that were tried. */
  STORE_UNUSABLE: { roots: readonly string[]; reason: string };
  /** The file system is full, or too full for what comes next; sizes in bytes, `neededBytes` where it is known. */
  NO_SPACE: { path: string; neededBytes?: number; freeBytes?: number };
  /** Reading or writing a local file failed; `reason` is the system's code, such as `EACCES`. */
  FILE_FAILED: { path: string; reason: string };
}

/** Stable codes of {@link RootfsError}. */
export type RootfsErrorCode = keyof RootfsErrorDetails;

/** Longer messages are cut, in characters. */
const maxMessageLength = 2000;

/** The error class of root file systems: branch on `code`, read `message`, find what happened below in `cause`. */
export class RootfsError<Code extends RootfsErrorCode = RootfsErrorCode> extends Error {
  override readonly name: "RootfsError" = "RootfsError";
  readonly code: Code;
  readonly details: RootfsErrorDetails[Code];

  constructor(code: Code, message: string, details: RootfsErrorDetails[Code], options?: ErrorOptions) {
    super(printable(message, maxMessageLength), options); // it may quote what a hostile layer says
    this.code = code;
    this.details = details;
  }
}

/** Whether `error` is a {@link RootfsError}, with `code` if one is given; also across two installed copies of this package. */
export function isRootfsError<Code extends RootfsErrorCode>(error: unknown, code?: Code): error is RootfsError<Code> {
  if (!(error instanceof Error) || error.name !== "RootfsError") return false;
  return code === undefined || (error as { readonly code?: unknown }).code === code;
}
