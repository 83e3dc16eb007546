import { type OpenBlob, RegistryError } from "@tranship/registry";
import type { ExpectedContent, FillOptions } from "../jobs/item-job.ts";
import type { PartialFile } from "./partial-file.ts";

/** Options of {@link fillPartial}. */
export interface FillPartialOptions extends FillOptions {
  /** Looks whether what is missing fits, before it is fetched. @throws DepsError `NO_SPACE` */
  readonly requireSpace: () => void;
}

/**
 * Makes a file whole: reads what it has, fetches what is missing, checks all, and waits until it is on the device. What is
 * wrong after something was gone on with is fetched once more from the beginning; what is wrong then is removed.
 * @throws RegistryError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `TOO_LARGE`
 */
export async function fillPartial(
  file: PartialFile,
  content: ExpectedContent,
  open: OpenBlob,
  options: FillPartialOptions,
): Promise<void> {
  await file.readBack(options.signal);
  options.onBytes?.(file.length);
  for (let isContinued = file.length > 0; ; isContinued = false) {
    const fault = await complete(file, content, open, options);
    if (fault === undefined) break;
    options.onBytes?.(-file.length);
    await file.restart();
    if (isContinued) continue;
    await file.remove();
    throw fault;
  }
  await file.flush();
}

/** Fetches what is missing. Gives what is wrong with all of it then. */
async function complete(
  file: PartialFile,
  content: ExpectedContent,
  open: OpenBlob,
  { signal, onBytes, maxBytes, requireSpace, again = (attempt) => attempt() }: FillPartialOptions,
): Promise<Error | undefined> {
  const fault = faultOf(file, content);
  if (fault === undefined || file.length === content.size) return fault;
  let refused: Error | undefined;
  const refuse = (length: number) => {
    refused = tooLong(length, content, maxBytes);
    return refused;
  };
  if (refuse(file.length) !== undefined) return refused;
  requireSpace();
  try {
    await again(
      () => file.append(open, { refuse, signal, onBytes }),
      () => file.reached,
    );
  } catch (error) {
    if (error !== refused) throw error;
    return refused;
  }
  return faultOf(file, content);
}

function faultOf(
  { length, digest: actual }: PartialFile,
  { digest, size = length }: ExpectedContent,
): Error | undefined {
  if (length !== size) return wrongSize(digest, size, length);
  if (actual === digest) return undefined;
  const message = `cannot use ${digest}: the bytes are ${actual}`;
  return new RegistryError("DIGEST_MISMATCH", message, { reference: digest, expected: digest, actual });
}

function tooLong(length: number, { digest, size }: ExpectedContent, maxBytes = Infinity): Error | undefined {
  if (size !== undefined) return length > size ? wrongSize(digest, size, length) : undefined;
  if (length <= maxBytes) return undefined;
  const message = `cannot use ${digest}: it is over ${maxBytes} bytes long`;
  return new RegistryError("TOO_LARGE", message, { reference: digest, limitBytes: maxBytes });
}

function wrongSize(digest: string, expected: number, actual: number): Error {
  const message = `cannot use ${digest}: expected ${expected} bytes, got ${actual > expected ? "more" : actual}`;
  return new RegistryError("SIZE_MISMATCH", message, { reference: digest, expected, actual });
}
