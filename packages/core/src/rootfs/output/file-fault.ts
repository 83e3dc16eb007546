import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { type ByteString, textOfByteString } from "../../layer-archive/byte-string.ts";
import { LayerFault } from "../layers/layer-fault.ts";

/** A failed file operation in a layer thread: `NO_SPACE` when the file system or the user's share of it is full, else `FILE_FAILED`. */
export function fileFault(error: unknown, path: ByteString): LayerFault {
  if (error instanceof LayerFault) return error;
  const [shown, reason] = [textOfByteString(path), (error as NodeJS.ErrnoException).code ?? "unknown"];
  if (reason !== "ENOSPC" && reason !== "EDQUOT") {
    return new LayerFault("FILE_FAILED", `cannot use ${shown}: ${reason}`, { path: shown, reason });
  }
  const freeBytes = freeBytesAt(shown);
  const free = freeBytes === undefined ? {} : { freeBytes };
  const message = `cannot write ${shown}: the file system is full${freeBytes === undefined ? "" : `, it has ${freeBytes} bytes free`}`;
  return new LayerFault("NO_SPACE", message, { path: shown, ...free });
}

function freeBytesAt(path: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize;
  } catch {
    return undefined; // a file system that does not tell
  }
}
