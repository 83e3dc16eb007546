import { ApiError, methodNotAllowed } from "./api-error.ts";
import { parseByteRange } from "./byte-range.ts";
import type { Exchange } from "./exchange.ts";
import { isNotModified, rangeFor } from "./precondition.ts";

/** Longer paths are refused, in characters. */
const maxPathLength = 4096;

/** What a server has besides a registry: files by their paths. */
export interface ServedFiles {
  /**
   * The file at a path, `undefined` where there is none.
   * @param path the names between the slashes, unescaped: none is empty, `.` or `..`, none has a slash, a backslash or a
   * control character in it
   */
  find(path: readonly string[], options: { readonly signal: AbortSignal }): Promise<ServedFile | undefined>;
}

/** A file that is served, as long as nobody disposes it. */
export interface ServedFile extends AsyncDisposable {
  /** In bytes. */
  readonly size: number;
  /** What tells these bytes from others, such as a digest; without quotes. */
  readonly etag?: string | undefined;
  /** @defaultValue "application/octet-stream" */
  readonly contentType?: string | undefined;
  /** Exactly `length` of its bytes. */
  read(offset: number, length: number, signal: AbortSignal): AsyncIterable<Uint8Array>;
}

/** Whether a path is none of the distribution API's. */
export function isFilePath(path: string): boolean {
  return path !== "/v2" && !path.startsWith("/v2/");
}

/**
 * Answers with a file, whole or one range of it. Nothing is listed.
 * @see RFC 9110, "Range Requests" and "Conditional Requests"
 */
export async function answerFile(exchange: Exchange, files: ServedFiles): Promise<void> {
  if (exchange.method !== "GET" && exchange.method !== "HEAD") throw methodNotAllowed("GET", "HEAD");
  const { signal } = exchange;
  const file = await files.find(parsePath(exchange.record.path), { signal });
  if (!file) throw new ApiError(404, "NAME_UNKNOWN", "no such file");
  try {
    await answer(exchange, file);
  } finally {
    await file[Symbol.asyncDispose]();
  }
}

async function answer(exchange: Exchange, file: ServedFile): Promise<void> {
  const { size, contentType = "application/octet-stream" } = file;
  const etag = file.etag === undefined ? undefined : `"${file.etag}"`;
  const headers = { "accept-ranges": "bytes", etag, "x-content-type-options": "nosniff" };
  if (isNotModified(exchange, etag ?? "")) return await exchange.sendHead(304, headers);
  const range = exchange.method === "GET" ? parseByteRange(rangeFor(exchange, etag ?? ""), size) : undefined;
  if (range === "unsatisfiable") {
    throw new ApiError(416, "SIZE_INVALID", `the file has ${size} bytes`, { "content-range": `bytes */${size}` });
  }
  const { offset, length } = range ?? { offset: 0, length: size };
  const told = {
    ...headers,
    "content-type": contentType,
    "content-length": length,
    "content-range": range && `bytes ${offset}-${offset + length - 1}/${size}`,
  };
  await exchange.stream(range ? 206 : 200, told, () => file.read(offset, length, exchange.signal));
}

/** The names of a path as a request writes it. @throws ApiError `NAME_INVALID`, `NAME_UNKNOWN` */
function parsePath(path: string): readonly string[] {
  if (!path.startsWith("/") || path.length > maxPathLength) throw badPath();
  return path.slice(1).split("/").map(decode);
}

function decode(segment: string): string {
  let text: string;
  try {
    text = decodeURIComponent(segment);
  } catch {
    throw badPath(); // a stray percent sign names nothing
  }
  if (text === "") throw new ApiError(404, "NAME_UNKNOWN", "no such file");
  if (text === "." || text === ".." || /[/\\\p{Cc}]/u.test(text)) throw badPath();
  return text;
}

function badPath(): ApiError {
  return new ApiError(400, "NAME_INVALID", "not the path of a file");
}
