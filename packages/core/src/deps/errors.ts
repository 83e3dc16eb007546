import { type FailureClass, printable } from "@tranship/registry";

/** What each {@link DepsErrorCode} carries in `details`. Adding a code is adding a line here. */
export interface DepsErrorDetails {
  /** Nothing is in the cache yet. */
  NOT_CACHED: { path: string };
  /** The cache lacks something, or holds other bytes than the manifest says. */
  INCOMPLETE: { item: string; path: string };
  /** An item without a digest. */
  DIGEST_MISSING: { item: string };
  /** A text that is no digest: it has no colon, or other characters than hexadecimal digits after it. */
  DIGEST_FORMAT: { item: string; digest: string };
  /** A digest of another algorithm than those that may be here. */
  DIGEST_ALGORITHM: { item: string; algorithm: string; allowed: readonly string[] };
  /** A digest with too few or too many digits for its algorithm. */
  DIGEST_LENGTH: { item: string; algorithm: string; expected: number; actual: number };
  /** Content whose bytes are others than its digest says. */
  DIGEST_MISMATCH: { item: string; expected: string; actual: string };
  /** An item without a size, or with one of zero bytes. */
  SIZE_MISSING: { item: string };
  /** Content that is longer or shorter than it was said to be; sizes in bytes. */
  SIZE_MISMATCH: { item: string; expected: number; actual: number };
  /** An item that does not say where it is to be fetched. */
  URL_MISSING: { item: string };
  /** An address that is none, or not one of the kind that is needed; `url` is without user info and query. */
  URL_INVALID: { item: string; url: string; reason: string };
  /** An image row that names no image. */
  REFERENCE_MISSING: { item: string };
  /** A text that is no image reference. */
  REFERENCE_INVALID: { reference: string; reason: string };
  /** A published manifest with the entry that stands for a package not yet released. */
  STUB_PUBLISHED: { item: string };
  /** An architecture that is not one of those `supported`. */
  ARCH_UNSUPPORTED: { arch: string; supported: readonly string[] };
  /** A server that answered with another status than success. */
  HTTP_STATUS: { url: string; status: number };
  /** Something the server does not have. */
  NOT_FOUND: { url: string };
  /** A manifest that cannot be read; `path` is the key at fault, such as `vmconfig.dependencies.runc.size`. */
  MANIFEST_PARSE: { manifest: string; path: string; reason: string };
  /** A chart of a type we do not know, or without what its type needs. */
  CHART_TYPE: { chart: string; type: string; reason: string };
  /** A chart's image without the layer that holds the chart. */
  CHART_LAYER: { chart: string; reason: string };
  /** A seed snapshot without a source, with two, or with one it must not have. */
  SEED_SOURCE: { snapshot: string; reason: string };
  /** Seeds of another version than the one that is asked for. */
  SEED_VERSION: { wanted: string; actual: string };
  /** A git source without an address, or that names not exactly one ref. */
  GIT_SOURCE: { url: string; reason: string };
  /** A name or path that could leave the folder it belongs in, or that not every file system can hold. */
  NAME_UNSAFE: { what: string; name: string; reason: string };
  /** Two items that would be the same file with different content, or one below the other. */
  PATH_CONFLICT: { path: string; items: readonly string[] };
  /** A choice of items that cannot be read. */
  SELECTION_INVALID: { expression: string; reason: string };
  /** A host that nothing may be fetched from. */
  HOST_FORBIDDEN: { item: string; host: string; allowed: readonly string[] };
  /** Something that could not be fetched for another reason than a status; `code` is that of the error below. */
  TRANSFER_FAILED: { item: string; url: string; failure: FailureClass; code: string };
  /** A source whose content cannot be kept in such a place. */
  SINK_UNSUITABLE: { item: string; source: string; sink: string };
  /** Something that is not in the cache, and must not be fetched. */
  OFFLINE: { item: string };
  /** A manifest, or an archive, whose bytes are others than those that were pinned. */
  PIN_MISMATCH: { manifest: string; expected: string; actual: string };
  /** A published manifest that is older than the one that was there before. */
  DOWNGRADE: { manifest: string; known: string; actual: string };
  /** A manifest without the signature it must have, or with a wrong one. */
  SIGNATURE_INVALID: { manifest: string; reason: string };
  /** Somebody else is changing the cache. */
  CACHE_LOCKED: { path: string; owner?: string | undefined };
  /** A cache that a newer Tranship keeps notes in, of a version this one does not know. */
  CACHE_VERSION: { path: string; version: number; supported: number };
  /** A program that is needed and not there. */
  TOOL_MISSING: { tool: string };
  /** What git could not do; `output` is the end of what it said. */
  GIT_FAILED: { url: string; reason: string; output: string };
  /** An archive of a cache that cannot be taken over. */
  ARCHIVE_INVALID: { path: string; reason: string; entry?: string | undefined };
  /** A local file that cannot be read or written. */
  FILE_FAILED: { path: string; reason: string };
  /** A file system that is full. */
  NO_SPACE: { path: string; neededBytes?: number | undefined; freeBytes?: number | undefined };
  /** More bytes than are taken. */
  TOO_LARGE: { item: string; limitBytes: number };
  /** Whoever watched the operation ended it. A caller's own signal rejects with its own reason instead. */
  ABORTED: { operation: string };
}

/** Stable codes of {@link DepsError}. */
export type DepsErrorCode = keyof DepsErrorDetails;

/** Longer messages are cut, in characters. */
const maxMessageLength = 2000;

/** The error class of dependency caches: branch on `code`, read `message`, find what happened below in `cause`. */
export class DepsError<Code extends DepsErrorCode = DepsErrorCode> extends Error {
  override readonly name: "DepsError" = "DepsError";
  readonly code: Code;
  readonly details: DepsErrorDetails[Code];

  constructor(code: Code, message: string, details: DepsErrorDetails[Code], options?: ErrorOptions) {
    super(printable(message, maxMessageLength), options); // it may quote what a hostile manifest says
    this.code = code;
    this.details = details;
  }
}

/** Whether `error` is a {@link DepsError}, with `code` if one is given; also across two installed copies of this package. */
export function isDepsError<Code extends DepsErrorCode>(error: unknown, code?: Code): error is DepsError<Code> {
  if (!(error instanceof Error) || error.name !== "DepsError") return false;
  return code === undefined || (error as { readonly code?: unknown }).code === code;
}
