import { classifyFailure, isRegistryError } from "@tranship/registry";
import { isMirrorError, type MirrorError } from "../../errors.ts";
import { DepsError, isDepsError } from "../errors.ts";

/** What was being brought when something failed. */
export interface FailedImage {
  /** The item's id. */
  readonly item: string;
  /** The image as the registry has it: `host/repository@digest` or `:tag`. */
  readonly reference: string;
}

/**
 * What went wrong with an image, as a {@link DepsError}; of an ended run the signal's reason as it is. What a registry
 * answered with a status stays that status: only what is not there is `NOT_FOUND`.
 */
export function imageError(error: unknown, image: FailedImage, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (isDepsError(error)) return error;
  if (isMirrorError(error, "TRANSFER_FAILED") && error.cause !== undefined) {
    const { side, reference } = error.details;
    return imageError(error.cause, side === "target" ? { ...image, reference } : image, signal);
  }
  if (isMirrorError(error)) return localFailure(error, image);
  const { item, reference: url } = image;
  const reason = error instanceof Error ? error.message : String(error);
  const message = `cannot bring ${item} from ${url}: ${reason}`;
  const options = { cause: error };
  if (isRegistryError(error, "NOT_FOUND")) return new DepsError("NOT_FOUND", message, { url }, options);
  if (isRegistryError(error, "DIGEST_MISMATCH")) {
    const { expected, actual } = error.details;
    return new DepsError("DIGEST_MISMATCH", message, { item, expected, actual }, options);
  }
  if (isRegistryError(error, "SIZE_MISMATCH")) {
    const { expected, actual } = error.details;
    return new DepsError("SIZE_MISMATCH", message, { item, expected, actual }, options);
  }
  if (isRegistryError(error, "TOO_LARGE")) {
    return new DepsError("TOO_LARGE", message, { item, limitBytes: error.details.limitBytes }, options);
  }
  const status = statusOf(error);
  if (status !== undefined) return new DepsError("HTTP_STATUS", message, { url, status }, options);
  const code = isRegistryError(error) ? error.code : ((error as { readonly code?: unknown })?.code ?? "UNKNOWN");
  const details = { item, url, failure: classifyFailure(error), code: String(code) };
  return new DepsError("TRANSFER_FAILED", message, details, options);
}

function statusOf(error: unknown): number | undefined {
  if (isRegistryError(error, "UNAUTHORIZED")) return 401;
  if (isRegistryError(error, "FORBIDDEN")) return 403;
  if (isRegistryError(error, "RATE_LIMITED")) return 429;
  if (isRegistryError(error, "SERVER_ERROR") || isRegistryError(error, "UNEXPECTED_STATUS"))
    return error.details.status;
  return undefined;
}

/** What failed on this machine. */
function localFailure(error: MirrorError, { item, reference }: FailedImage): DepsError {
  const message = `cannot keep ${item}: ${error.message}`;
  const options = { cause: error };
  if (isMirrorError(error, "NO_SPACE")) return new DepsError("NO_SPACE", message, error.details, options);
  if (isMirrorError(error, "FILE_FAILED")) return new DepsError("FILE_FAILED", message, error.details, options);
  if (isMirrorError(error, "FILE_TOO_LARGE")) {
    return new DepsError("FILE_FAILED", message, { path: error.details.path, reason: "EFBIG" }, options);
  }
  if (isMirrorError(error, "LAYOUT_INVALID")) {
    const { layout, reason } = error.details;
    return new DepsError("FILE_FAILED", message, { path: layout, reason }, options);
  }
  const isRefused = isMirrorError(error, "SPARSE_INDEX_REFUSED"); // by the registry it was to go to
  const failure = isRefused ? "invalid" : classifyFailure(error);
  const details = { item, url: isRefused ? error.details.reference : reference, failure, code: error.code };
  return new DepsError("TRANSFER_FAILED", message, details, options);
}
