import { isRegistryError } from "../errors.ts";
import { ApiError, methodNotAllowed, refusalOf } from "./api-error.ts";
import { parseByteRange } from "./byte-range.ts";
import type { Exchange } from "./exchange.ts";
import { holdBack } from "./hold-back.ts";
import type { Home } from "./home.ts";
import { checkPreconditions, etagOf, isConditional, isNotModified, rangeFor } from "./precondition.ts";
import type { Route } from "./route.ts";

type BlobRoute = Extract<Route, { readonly kind: "blob" }>;

/** Blobs by digest, whole or one range of them. @see distribution-spec v1.1.1, "Pulling blobs" and "Deleting Blobs" */
export async function answerBlob(exchange: Exchange, home: Home, route: BlobRoute): Promise<void> {
  if (exchange.method === "GET" || exchange.method === "HEAD") return await read(exchange, home, route);
  if (exchange.method === "DELETE") return await remove(exchange, home, route);
  throw methodNotAllowed("GET", "HEAD", "DELETE");
}

async function read(exchange: Exchange, home: Home, { repository, digest }: BlobRoute): Promise<void> {
  const { signal } = exchange;
  const reader = home.reader(repository);
  const found = await reader.statBlob(digest, { signal });
  if (!found) throw await missing(exchange, home, repository);
  const etag = etagOf(digest);
  if (isNotModified(exchange, etag)) return await exchange.sendHead(304, { etag });
  const { size } = found;
  // ranges are for GET alone (RFC 9110, "Range"): a HEAD tells of the whole
  const range = exchange.method === "GET" ? parseByteRange(rangeFor(exchange, etag), size) : undefined;
  if (range === "unsatisfiable") {
    throw new ApiError(416, "SIZE_INVALID", `the blob has ${size} bytes`, { "content-range": `bytes */${size}` });
  }
  const { offset, length } = range ?? { offset: 0, length: size };
  const headers = {
    "content-type": "application/octet-stream",
    "content-length": length,
    "content-range": range && `bytes ${offset}-${offset + length - 1}/${size}`,
    "accept-ranges": "bytes",
    "docker-content-digest": digest,
    etag: etagOf(digest),
  };
  const open = () => holdBack(reader.fetchBlob({ digest, size }, { ...range, signal })); // its digest is known at its end
  try {
    await exchange.stream(range ? 206 : 200, headers, open);
  } catch (error) {
    const isGone = isRegistryError(error, "NOT_FOUND") && !exchange.isAnswered; // deleted since its size was known
    throw isGone ? await missing(exchange, home, repository) : error;
  }
}

async function remove(exchange: Exchange, home: Home, { repository, digest }: BlobRoute): Promise<void> {
  const deleter = home.deleter(repository);
  const { signal } = exchange;
  if (isConditional(exchange)) {
    checkPreconditions(exchange, (await deleter.statBlob(digest, { signal })) && etagOf(digest));
  }
  const deleted = await deleter.deleteBlob(digest, { signal }).catch((error: unknown) => {
    throw refusalOf(error);
  });
  if (!deleted) throw await missing(exchange, home, repository);
  await exchange.send(202, {});
}

async function missing(exchange: Exchange, home: Home, repository: string): Promise<ApiError> {
  return await home.missing(repository, "BLOB_UNKNOWN", "no such blob", exchange.signal);
}
