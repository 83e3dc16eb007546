import { type Digest, type OpenBlob, RegistryError } from "@tranship/registry";
import type { FillOptions, StagedFile, Staging } from "../jobs/item-job.ts";
import { PartialFile } from "../staging/partial-file.ts";

/** Options of {@link collect}. */
export interface CollectOptions extends FillOptions {
  readonly maxBytes: number;
}

/** A whole file, and what its bytes are. */
export interface GatheredFile {
  readonly file: StagedFile;
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/**
 * Gathers content of unknown digest; what breaks off is lost. `size` is what it must be long, in bytes, where that is known.
 * @throws RegistryError `SIZE_MISMATCH`, `TOO_LARGE`; what `open` throws
 */
export async function collect(
  staging: Staging,
  size: number | undefined,
  open: OpenBlob,
  { signal, onBytes, maxBytes, again = (attempt) => attempt() }: CollectOptions,
): Promise<GatheredFile> {
  const file = await staging.blank();
  try {
    const partial = new PartialFile(file.path, "sha256");
    try {
      const refuse = (length: number) => refusal(length, size, maxBytes);
      await again(
        () => partial.append(open, { refuse, signal, onBytes }),
        () => partial.reached,
      );
      if (size !== undefined && partial.length !== size) throw wrongSize(size, partial.length);
      return { file, digest: partial.digest, sizeBytes: partial.length };
    } finally {
      await partial.close();
    }
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

function refusal(length: number, size: number | undefined, maxBytes: number): Error | undefined {
  if (size !== undefined) return length > size ? wrongSize(size, length) : undefined;
  if (length <= maxBytes) return undefined;
  return new RegistryError("TOO_LARGE", `over ${maxBytes} bytes`, { reference: "the content", limitBytes: maxBytes });
}

function wrongSize(expected: number, actual: number): Error {
  const reference = "the content";
  return new RegistryError("SIZE_MISMATCH", `expected ${expected} bytes, got ${actual}`, {
    reference,
    expected,
    actual,
  });
}
