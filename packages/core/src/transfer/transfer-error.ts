import { classifyFailure, formatName, isRegistryError } from "@tranship/registry";
import { isMirrorError, MirrorError, type Side } from "../errors.ts";

/**
 * What failed with one image, wrapped once with its reference and side; `what` could not be done, such as `read h/r:v1`.
 * An aborted run gives the signal's reason as it is, and an error that is wrapped already stays.
 */
export function transferError(
  error: unknown,
  side: Side,
  what: string,
  reference: string,
  signal: AbortSignal | undefined,
): unknown {
  if (signal?.aborted) return signal.reason;
  if (isMirrorError(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const details = {
    side,
    reference,
    failure: classifyFailure(error),
    ...(isRegistryError(error) ? { code: error.code } : {}),
  };
  return new MirrorError("TRANSFER_FAILED", `cannot ${what}: ${reason}`, details, { cause: error });
}

/** {@link transferError} for something read from the source. */
export function sourceError(error: unknown, repository: string, reference: string, signal: AbortSignal): unknown {
  const full = formatName(repository, reference);
  return transferError(error, "source", `read ${full}`, full, signal);
}
