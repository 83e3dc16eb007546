import { localError } from "../../bundle/disk/local-error.ts";
import { MirrorError } from "../../errors.ts";
import { DepsError } from "../errors.ts";

/** What could not be done with a local file, as a {@link DepsError}: `NO_SPACE` when the disk is full, else `FILE_FAILED`. */
export function fileFault(error: unknown, path: string): unknown {
  if (error instanceof DepsError) return error;
  if (!(error instanceof MirrorError) && (error as NodeJS.ErrnoException).code === undefined) return error;
  const { code, message, details } = localError(error, path);
  if (code === "NO_SPACE") return new DepsError("NO_SPACE", message, { path, ...details }, { cause: error });
  const { reason = code } = details as { readonly reason?: string };
  return new DepsError("FILE_FAILED", message, { path, reason }, { cause: error });
}

/** Whether an error says that there is no such file, nor a folder to hold it. */
export function isMissing(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ENOENT" || code === "ENOTDIR";
}

/** Does something with a local file. @throws DepsError `FILE_FAILED`, `NO_SPACE` */
export async function onDisk<Value>(path: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw fileFault(error, path);
  }
}
