import { isRegistryError } from "../errors.ts";
import { type Digest, isDigest } from "../oci/digest.ts";
import { isRepositoryPath } from "../oci/reference.ts";
import { ApiError, methodNotAllowed, refusalOf } from "./api-error.ts";
import { pullAccess } from "./auth/access.ts";
import { parseChunkRange } from "./byte-range.ts";
import type { Exchange } from "./exchange.ts";
import type { Home } from "./home.ts";
import type { AnswerHeaders } from "./served-request.ts";
import type { UploadSession } from "./upload-session.ts";
import type { UploadStore } from "./upload-store.ts";

/**
 * `POST` of an upload: a mount, a whole blob at once, or a new session.
 * @see distribution-spec v1.1.1, "Pushing blobs" and "Mounting a blob from another repository"
 */
export async function answerUploads(
  exchange: Exchange,
  home: Home,
  uploads: UploadStore,
  repository: string,
): Promise<void> {
  if (exchange.method !== "POST") throw methodNotAllowed("POST");
  home.writer(repository);
  const { query } = exchange;
  const mount = query.get("mount");
  if (mount !== null && (await answerMount(exchange, home, repository, digestOf(mount)))) return;
  const digest = query.get("digest");
  if (digest !== null) return await answerWhole(exchange, home, uploads, repository, digestOf(digest));
  const session = await uploads.create(repository);
  const { minChunkBytes } = uploads.rules;
  await exchange.send(202, { ...headersOf(session), "oci-chunk-min-length": minChunkBytes || undefined });
}

/**
 * `PATCH`, `GET`, `PUT` and `DELETE` of an upload session.
 * @see distribution-spec v1.1.1, "Pushing a blob in chunks"
 */
export async function answerUpload(
  exchange: Exchange,
  home: Home,
  uploads: UploadStore,
  repository: string,
  id: string,
): Promise<void> {
  home.writer(repository);
  const session = uploads.get(repository, id);
  await session.exclusively(async () => {
    uploads.get(repository, id); // it may be gone by the time it is our turn
    if (exchange.method === "PATCH") {
      await append(exchange, session);
      await exchange.send(202, headersOf(session));
    } else if (exchange.method === "GET") {
      await exchange.send(204, headersOf(session));
    } else if (exchange.method === "PUT") {
      const digest = digestOf(exchange.query.get("digest") ?? "");
      await append(exchange, session);
      await commit(exchange, home, uploads, session, digest);
    } else if (exchange.method === "DELETE") {
      await uploads.remove(session);
      await exchange.send(204, {});
    } else throw methodNotAllowed("GET", "PATCH", "PUT", "DELETE");
  });
}

/** Mounts the blob if it is where it may be taken from; else the client goes on with a session, as the spec wants. */
async function answerMount(exchange: Exchange, home: Home, repository: string, digest: Digest): Promise<boolean> {
  const from = sourceOf(exchange, home, digest);
  if (from === undefined) return false;
  const { signal } = exchange;
  const source = home.reader(from);
  const found = await source.statBlob(digest, { signal });
  if (!found) return false;
  const blob = { digest, size: found.size };
  const open = (offset: number) => source.fetchBlob(blob, { offset, signal });
  exchange.holdOpen(); // a home that cannot mount copies
  try {
    await home.writer(repository).pushBlob(blob, open, { mountFrom: [from], signal });
  } catch (error) {
    if (isRegistryError(error, "NOT_FOUND")) return false; // deleted since its size was known
    throw error;
  }
  await exchange.send(201, blobHeaders(repository, digest));
  return true;
}

/** The repository to mount from: the one named, else one that holds the blob and that who asks may read. */
function sourceOf({ query, grant }: Exchange, home: Home, digest: Digest): string | undefined {
  const from = query.get("from");
  if (from !== null) return isRepositoryPath(from) ? from : undefined;
  for (const path of home.repositoriesWithBlob(digest)) if (grant(pullAccess(path))) return path;
  return undefined;
}

async function answerWhole(
  exchange: Exchange,
  home: Home,
  uploads: UploadStore,
  repository: string,
  digest: Digest,
): Promise<void> {
  const session = await uploads.create(repository);
  await session.exclusively(async () => {
    try {
      await session.append(exchange.body(), exchange.contentLength);
      await commit(exchange, home, uploads, session, digest);
    } finally {
      await uploads.remove(session); // nobody knows its name, so nobody could go on with it
    }
  });
}

/** Ends a session, well or not: bytes that are not the digest's cannot become them by appending. */
async function commit(
  exchange: Exchange,
  home: Home,
  uploads: UploadStore,
  session: UploadSession,
  digest: Digest,
): Promise<void> {
  exchange.holdOpen();
  try {
    await session.commit(home.writer(session.repository), digest, exchange.signal);
  } catch (error) {
    throw refusalOf(error);
  } finally {
    await uploads.remove(session);
  }
  await exchange.send(201, blobHeaders(session.repository, digest));
}

/** Appends a request's body, if it continues where the session is. */
async function append(exchange: Exchange, session: UploadSession): Promise<void> {
  const declared = exchange.header("content-range");
  if (declared === undefined) return await session.append(exchange.body(), exchange.contentLength);
  const range = parseChunkRange(declared);
  if (!range) throw new ApiError(400, "BLOB_UPLOAD_INVALID", "not a content range");
  const { contentLength = range.length } = exchange;
  if (contentLength !== range.length) {
    throw new ApiError(400, "SIZE_INVALID", "the content range and the content length disagree");
  }
  if (range.offset !== session.offset) {
    const message = `the upload goes on at ${session.offset}`;
    throw new ApiError(416, "BLOB_UPLOAD_INVALID", message, headersOf(session));
  }
  await session.append(atMost(exchange.body(), range.length), range.length);
  if (session.offset !== range.offset + range.length) {
    throw new ApiError(400, "SIZE_INVALID", "the body and its content range disagree");
  }
}

/** A body as far as its content range goes: of what comes after that, nobody said where it belongs. */
async function* atMost(body: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  let left = length;
  for await (const chunk of body) {
    if (chunk.byteLength > left) throw new ApiError(400, "SIZE_INVALID", "the body is longer than its content range");
    left -= chunk.byteLength;
    yield chunk;
  }
}

function headersOf({ id, repository, offset }: UploadSession): Record<string, string> {
  return {
    location: `/v2/${repository}/blobs/uploads/${id}`,
    // an empty upload says 0-0 too, as Docker's registry does: the protocol has no words for it
    range: `0-${Math.max(0, offset - 1)}`,
    "docker-upload-uuid": id,
  };
}

function blobHeaders(repository: string, digest: Digest): AnswerHeaders {
  return { location: `/v2/${repository}/blobs/${digest}`, "docker-content-digest": digest };
}

function digestOf(text: string): Digest {
  if (isDigest(text)) return text;
  throw new ApiError(400, "DIGEST_INVALID", "not a sha256 or sha512 digest");
}
