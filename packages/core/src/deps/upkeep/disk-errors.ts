import { isMirrorError } from "../../errors.ts";
import { fileError } from "../file-error.ts";

/** Tells failures of the file system as errors of dependencies; all others stay as they are. @throws DepsError `FILE_FAILED`, `NO_SPACE` */
export async function withDiskErrors<Value>(path: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    const isSystem = typeof (error as { readonly errno?: unknown } | undefined)?.errno === "number";
    const isLocal = isMirrorError(error, "FILE_FAILED") || isMirrorError(error, "NO_SPACE");
    throw isSystem || isLocal || isMirrorError(error, "FILE_TOO_LARGE") ? fileError(error, path) : error;
  }
}
