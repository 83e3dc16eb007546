import { classifyFailure, type Digest, isRegistryError } from "@tranship/registry";
import { isRootfsError, RootfsError } from "../errors.ts";

/** What failed with a layer on its way, wrapped once with its image, its number and the side; what failed here stays. */
export function layerSourceError(error: unknown, reference: string, layer: number, digest: Digest): RootfsError {
  if (isRootfsError(error)) return error;
  const what = `cannot read layer ${layer} of ${reference} at its source`;
  if (isRegistryError(error, "DIGEST_MISMATCH")) {
    const { expected, actual } = error.details;
    const message = `${what}: expected ${expected}, got ${actual}`;
    const details = { reference, layer, expected, actual, isDiffId: false };
    return new RootfsError("LAYER_MISMATCH", message, details, { cause: error });
  }
  const reason = error instanceof Error ? error.message : String(error);
  const code = isRegistryError(error) ? { code: error.code } : {};
  const details = { reference, layer, digest, failure: classifyFailure(error), ...code };
  return new RootfsError("SOURCE_FAILED", `${what}: ${reason}`, details, { cause: error });
}
