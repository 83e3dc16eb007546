import { ApiError, unsupported } from "./api-error.ts";
import { parseByteRange } from "./byte-range.ts";
import type { Exchange } from "./exchange.ts";
import type { Home } from "./home.ts";
import type { Route } from "./route.ts";

type BlobRoute = Extract<Route, { readonly kind: "blob" }>;

/** Blobs by digest, whole or one range of them. @see distribution-spec v1.1.1, "Pulling blobs" */
export async function answerBlob(exchange: Exchange, home: Home, { repository, digest }: BlobRoute): Promise<void> {
  if (exchange.method !== "GET" && exchange.method !== "HEAD") throw unsupported("blobs take GET and HEAD");
  const { signal } = exchange;
  const reader = home.reader(repository);
  const found = await reader.statBlob(digest, { signal });
  if (!found) throw await home.missing(repository, "BLOB_UNKNOWN", "no such blob", signal);
  const { size } = found;
  const range = parseByteRange(exchange.header("range"), size);
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
    etag: `"${digest}"`,
  };
  const open = () => reader.fetchBlob({ digest, size }, { ...range, signal });
  await exchange.stream(range ? 206 : 200, headers, open);
}
