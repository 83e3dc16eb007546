import { isRegistryError } from "@tranship/registry";
import { MirrorError } from "../errors.ts";

/** How registries say that they miss what a manifest lists. */
const codes: ReadonlySet<string> = new Set(["MANIFEST_BLOB_UNKNOWN", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN"]);

/**
 * `error` as it is; or, where the registry `target` has refused an index for what it lists, of which `leftOut` manifests are
 * left out on purpose, an error that says so. `reference` names the index.
 */
export function sparseRefusal(error: unknown, target: string, reference: string, leftOut: number): unknown {
  if (!isRegistryError(error, "UNEXPECTED_STATUS") && !isRegistryError(error, "NOT_FOUND")) return error;
  if (!error.details.errors?.some(({ code }) => codes.has(code))) return error;
  const what = leftOut === 1 ? "a manifest that it lists is" : `${leftOut} manifests that it lists are`;
  const message =
    `cannot push the index ${reference}: ${what} left out, and this registry takes no sparse index (${error.message}); ` +
    "pull narrowed indexes instead, or all platforms";
  return new MirrorError("SPARSE_INDEX_REFUSED", message, { target, reference, leftOut }, { cause: error });
}
