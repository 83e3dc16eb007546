import { stat } from "node:fs/promises";
import { type Digest, digestOf, openBytes, RegistryError } from "@tranship/registry";
import { DepsError, isDepsError } from "../errors.ts";
import { onDisk } from "../file-error.ts";
import type { BringContext, FillOptions, StagedFile } from "../jobs/item-job.ts";
import type { DepsItem, FileSource, HttpSource } from "../manifest.ts";
import { collect, type GatheredFile } from "./collect.ts";
import { type FileRetryOptions, HttpContent } from "./http-content.ts";
import { cloneOf, digestOfFile, readFrom, sizeOfFile } from "./local-content.ts";
import { contentError, transferError } from "./transfer-error.ts";

/** What bringing takes where nobody is asked. */
export type LocalContext = Omit<BringContext, "access" | "slots">;

/** How much is taken of a file whose size nothing says, in bytes: 64 GiB. */
const maxUnknownBytes = 64 * 1024 ** 3;

/** Failures that another address would not mend. */
const localCodes: readonly string[] = ["FILE_FAILED", "NAME_UNSAFE", "NO_SPACE"];

/**
 * The content of an item, checked, in a file of its own.
 * @throws DepsError `NOT_FOUND`, `HTTP_STATUS`, `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `TOO_LARGE`, `TRANSFER_FAILED`,
 * `HOST_FORBIDDEN`, `URL_INVALID`, `URL_MISSING`, `FILE_FAILED`, `NO_SPACE`; `signal.reason`
 */
export async function gatherFile(
  item: DepsItem,
  context: BringContext,
  retries: FileRetryOptions = {},
): Promise<GatheredFile> {
  const { source } = item;
  if (source.type === "http") return await fromAddresses(item, source, context, retries);
  return await gatherLocal(item, context);
}

/**
 * The same of an item whose source is on this machine.
 * @throws DepsError as {@link gatherFile}; `SINK_UNSUITABLE` for other sources
 */
export async function gatherLocal(item: DepsItem, context: LocalContext): Promise<GatheredFile> {
  const { id, source } = item;
  if (source.type === "file") return await fromFile(item, source, context);
  if (source.type === "inline") {
    context.progress.started();
    const pinned = { ...item, digest: item.digest ?? digestOf(source.bytes) };
    return await told(id, "its manifest", () => gather(pinned, openBytes(source.bytes), context));
  }
  const message = `cannot keep ${id}: what comes from a source of type ${source.type} is no file`;
  throw new DepsError("SINK_UNSUITABLE", message, { item: id, source: source.type, sink: item.sink.type });
}

/** From the first address that has it. */
async function fromAddresses(
  item: DepsItem,
  { urls }: HttpSource,
  context: BringContext,
  retries: FileRetryOptions,
): Promise<GatheredFile> {
  const { signal } = context;
  const failures: DepsError[] = [];
  for (const url of urls) {
    const content = new HttpContent(url, item, context);
    try {
      return await gather(
        item,
        (offset) => content.open(offset),
        context,
        (attempt, reached) => content.again(attempt, reached, retries),
      );
    } catch (error) {
      signal.throwIfAborted();
      if (isDepsError(error) && localCodes.includes(error.code)) throw error;
      failures.push(transferError(error, item.id, url));
    }
  }
  throw together(item.id, failures);
}

async function fromFile(item: DepsItem, { path }: FileSource, context: LocalContext): Promise<GatheredFile> {
  const { progress, staging } = context;
  progress.started();
  return await told(item.id, path, async () => {
    const actual = await sizeOfFile(path);
    requireSize(path, item.size, actual);
    if (item.size === undefined) progress.total(actual);
    const clone = await cloneOf(path, staging);
    if (clone !== undefined) return await checked(clone, item, context);
    return await gather(item, (offset) => readFrom(path, offset), context);
  });
}

/** Copies what `open` gives, and hashes it on the way. */
async function gather(
  { digest, size }: Pick<DepsItem, "digest" | "size">,
  open: (offset: number) => AsyncIterable<Uint8Array>,
  { staging, progress, signal }: LocalContext,
  again?: FillOptions["again"],
): Promise<GatheredFile> {
  let counted = 0;
  const onBytes = (bytes: number) => {
    counted += bytes;
    progress.add(bytes);
  };
  const options = { signal, onBytes, again, maxBytes: maxUnknownBytes };
  try {
    if (digest === undefined) return await collect(staging, size, open, options);
    const file = await staging.fill({ digest, size }, open, options);
    return { file, digest, sizeBytes: size ?? (await onDisk(file.path, () => stat(file.path))).size };
  } catch (error) {
    progress.add(-counted); // what is kept of it is counted when it is gone on with
    throw error;
  }
}

/** A copy that nobody hashed yet. */
async function checked(file: StagedFile, item: DepsItem, { progress, signal }: LocalContext): Promise<GatheredFile> {
  const { digest: expected, size } = item;
  try {
    const sizeBytes = await sizeOfFile(file.path);
    requireSize(item.id, size, sizeBytes);
    const digest = await digestOfFile(file.path, expected, signal);
    requireDigest(item.id, expected, digest);
    progress.add(sizeBytes);
    return { file, digest, sizeBytes };
  } catch (error) {
    await file[Symbol.asyncDispose]();
    throw error;
  }
}

function requireSize(reference: string, expected: number | undefined, actual: number): void {
  if (expected === undefined || expected === actual) return;
  const message = `expected ${expected} bytes, got ${actual}`;
  throw new RegistryError("SIZE_MISMATCH", message, { reference, expected, actual });
}

function requireDigest(reference: string, expected: Digest | undefined, actual: Digest): void {
  if (expected === undefined || expected === actual) return;
  throw new RegistryError("DIGEST_MISMATCH", `the bytes are ${actual}`, { reference, expected, actual });
}

/** Says of which item and place a failure of content is. */
async function told<Value>(item: string, from: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw contentError(error, `cannot copy ${item} from ${from}`, item) ?? error;
  }
}

/** One error for all addresses: that nobody has the item is said only where all say so. */
function together(item: string, failures: readonly DepsError[]): DepsError {
  const [first, ...more] = failures;
  if (first === undefined) return new DepsError("URL_MISSING", `cannot fetch ${item}: it has no address`, { item });
  if (more.length === 0) return first;
  const { code, details } = failures.find((failure) => failure.code !== "NOT_FOUND") ?? first;
  const message = failures.map((failure) => failure.message).join("; ");
  return new DepsError(code, message, details, { cause: new AggregateError(failures, message) });
}
