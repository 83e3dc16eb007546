import { byteStringOf } from "../layer-archive/byte-string.ts";
import { RootfsError } from "./errors.ts";
import { LayerFault } from "./layers/layer-fault.ts";
import { fileFault } from "./output/file-fault.ts";

/**
 * A failed file operation as a {@link RootfsError}: `NO_SPACE` when the file system or the user's share of it is full, else
 * `FILE_FAILED`. What is a `RootfsError` already stays the same.
 */
export function fileError(error: unknown, path: string): RootfsError {
  if (error instanceof RootfsError) return error;
  const { code, message, details } = error instanceof LayerFault ? error : fileFault(error, byteStringOf(path));
  return new RootfsError(code, message, details, { cause: error });
}

/** Does something with a local file. @throws RootfsError `FILE_FAILED`, `NO_SPACE` */
export function atFile<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw fileError(error, path);
  }
}
