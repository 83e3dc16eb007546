import { classifyFailure, isRegistryError } from "@tranship/registry";
import { isRootfsError, RootfsError } from "../errors.ts";
import { imageInvalid } from "./extract-config.ts";

/** What a registry may answer for something that is there and no image of a kind we read. */
const unusable = ["INVALID_MANIFEST", "PROTOCOL", "TOO_LARGE"] as const;

/**
 * What failed with an image where it lies, wrapped once with its reference; `what` could not be done, such as `read the
 * config of`. An aborted call gives the signal's reason as it is, and an error of this package's own stays.
 */
export function sourceError(error: unknown, what: string, reference: string, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason;
  if (isRootfsError(error)) return error;
  const reason = error instanceof Error ? error.message : String(error);
  if (isUnusable(error)) return imageInvalid(reference, reason, error);
  const details = {
    reference,
    failure: classifyFailure(error),
    ...(isRegistryError(error) ? { code: error.code } : {}),
  };
  return new RootfsError("SOURCE_FAILED", `cannot ${what} ${reference}: ${reason}`, details, { cause: error });
}

/** What `ask` gives; what it throws is told as {@link sourceError} does. */
export async function trying<Answer>(
  what: string,
  reference: string,
  signal: AbortSignal | undefined,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  signal?.throwIfAborted();
  try {
    return await ask();
  } catch (error) {
    throw sourceError(error, what, reference, signal);
  }
}

/** A registry that was asked in plain HTTP and speaks TLS has said nothing of the image. */
function isUnusable(error: unknown): boolean {
  if (isRegistryError(error, "PROTOCOL") && error.details.reason === "TLS_EXPECTED") return false;
  return unusable.some((code) => isRegistryError(error, code));
}
