import { isRegistryError } from "../errors.ts";
import type { Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestOf, isDigest } from "../oci/digest.ts";
import {
  defaultMaxManifestBytes,
  type ImageIndex,
  manifestOf,
  parseManifest,
  sniffManifestMediaType,
} from "../oci/manifest.ts";
import { isManifestMediaType } from "../oci/media-type.ts";
import { isTag, type Tag } from "../oci/reference.ts";
import type { RepositoryReader } from "../repository.ts";
import { ApiError, methodNotAllowed, refusalOf } from "./api-error.ts";
import type { Exchange } from "./exchange.ts";
import type { Home } from "./home.ts";
import { checkPreconditions, etagOf, isConditional, isNotModified } from "./precondition.ts";
import type { Route } from "./route.ts";
import type { AnswerHeaders } from "./served-request.ts";

/** So many tags can be given with one push. */
const maxTags = 100;

type ManifestRoute = Extract<Route, { readonly kind: "manifest" }>;

/** What a server does with manifests. */
export interface ManifestRules {
  /** Whether those of a subject can be listed. */
  readonly hasReferrers: boolean;
  /** Whether an index is refused that lists a manifest which is not there. */
  readonly wholeIndexes: boolean;
}

/**
 * Manifests by tag or digest.
 * @see distribution-spec v1.1.1, "Pulling manifests", "Pushing Manifests", "Deleting Manifests" and "Deleting tags"
 */
export async function answerManifest(
  exchange: Exchange,
  home: Home,
  route: ManifestRoute,
  { hasReferrers, wholeIndexes }: ManifestRules,
): Promise<void> {
  if (exchange.method === "GET") return await get(exchange, home, route);
  if (exchange.method === "HEAD") return await head(exchange, home, route);
  if (exchange.method === "PUT") {
    const { digest, subject, tags } = await put(exchange, home, route, wholeIndexes);
    return await exchange.send(201, {
      location: `/v2/${route.repository}/manifests/${digest}`,
      "docker-content-digest": digest,
      "oci-tag": tags.join(", ") || undefined,
      "oci-subject": hasReferrers ? subject : undefined, // clients take it that they need keep no list of their own
      etag: etagOf(digest),
    });
  }
  if (exchange.method === "DELETE") return await remove(exchange, home, route);
  throw methodNotAllowed("GET", "HEAD", "PUT", "DELETE");
}

async function head(exchange: Exchange, home: Home, { repository, reference }: ManifestRoute): Promise<void> {
  const { signal } = exchange;
  const descriptor = await home.reader(repository).resolve(reference, { signal });
  if (!descriptor) throw await missing(exchange, home, repository);
  const etag = etagOf(descriptor.digest);
  if (isNotModified(exchange, etag)) return await exchange.sendHead(304, { etag });
  await exchange.sendHead(200, headersOf(descriptor));
}

async function get(exchange: Exchange, home: Home, { repository, reference }: ManifestRoute): Promise<void> {
  try {
    const manifest = await home.reader(repository).manifest(reference, { signal: exchange.signal });
    const etag = etagOf(manifest.descriptor.digest);
    if (isNotModified(exchange, etag)) return await exchange.sendHead(304, { etag });
    await exchange.send(200, headersOf(manifest.descriptor), manifest.bytes);
  } catch (error) {
    throw isRegistryError(error, "NOT_FOUND") ? await missing(exchange, home, repository) : error;
  }
}

/** What was pushed, and what it is about. */
interface Pushed {
  readonly digest: Digest;
  readonly subject: Digest | undefined;
  /** Those it was given beside its digest. */
  readonly tags: readonly Tag[];
}

async function put(
  exchange: Exchange,
  home: Home,
  { repository, reference }: ManifestRoute,
  wholeIndexes: boolean,
): Promise<Pushed> {
  const writer = home.writer(repository);
  const byDigest = isDigest(reference);
  const besides = byDigest ? tagsOf(exchange) : [];
  const bytes = await exchange.readBody(defaultMaxManifestBytes);
  const declared = exchange.header("content-type")?.split(";")[0]?.trim();
  const mediaType = declared || sniffManifestMediaType(bytes);
  if (mediaType === undefined || !isManifestMediaType(mediaType)) {
    throw new ApiError(400, "MANIFEST_INVALID", "not a manifest's media type");
  }
  const { signal } = exchange;
  try {
    const known = byDigest ? reference : await knownBySha512(writer, bytes, signal);
    const manifest = manifestOf(bytes, mediaType, known);
    const content = parseManifest(manifest);
    const { subject } = content;
    if (wholeIndexes && content.kind === "index") await requireListed(content, writer, signal);
    await home.changing(repository, [reference, ...besides], async () => {
      await checkConditions(exchange, writer, reference);
      await writer.pushManifest(manifest, { tags: byDigest ? besides : [reference], signal });
    });
    return { digest: manifest.descriptor.digest, subject: subject?.digest, tags: besides };
  } catch (error) {
    throw refusalOf(error);
  }
}

/**
 * The tags that who pushes by digest wants besides: several at once, and of a manifest that is named by sha512.
 * @see the distribution-spec after v1.1.1, "Pushing Manifests", which also wants ten at least to be taken
 */
function tagsOf({ query }: Exchange): readonly Tag[] {
  const tags = [...new Set(query.getAll("tag"))];
  if (tags.length > maxTags) throw new ApiError(414, "SIZE_INVALID", `more than ${maxTags} tags`);
  if (tags.every((tag) => isTag(tag))) return tags;
  throw new ApiError(400, "MANIFEST_INVALID", "not a tag");
}

async function requireListed({ manifests }: ImageIndex, reader: RepositoryReader, signal: AbortSignal): Promise<void> {
  for (const { digest, mediaType } of manifests) {
    if (!isManifestMediaType(mediaType) || (await reader.resolve(digest, { signal }))) continue;
    throw new ApiError(400, "MANIFEST_BLOB_UNKNOWN", `the index lists ${digest}, which is not here`);
  }
}

/**
 * The digest a client has pushed these bytes under before it names them: a tag's request has no place to say so, and
 * sha256 is the digest of all others.
 */
async function knownBySha512(
  reader: RepositoryReader,
  bytes: Uint8Array,
  signal: AbortSignal,
): Promise<Digest | undefined> {
  const [short, long] = [digestOf(bytes), digestOf(bytes, "sha512")];
  if (await reader.resolve(short, { signal })) return undefined;
  return (await reader.resolve(long, { signal })) ? long : undefined;
}

async function remove(exchange: Exchange, home: Home, { repository, reference }: ManifestRoute): Promise<void> {
  const deleter = home.deleter(repository);
  const { signal } = exchange;
  const take = async () => {
    await checkConditions(exchange, deleter, reference);
    if (isDigest(reference)) return await deleter.deleteManifest(reference, { signal });
    return await deleter.deleteTag(reference, { signal });
  };
  const deleted = await home.changing(repository, [reference], take).catch((error: unknown) => {
    throw refusalOf(error);
  });
  if (!deleted) throw await missing(exchange, home, repository);
  await exchange.send(202, {});
}

/** Asks what is there only where a condition makes it matter. */
async function checkConditions(exchange: Exchange, reader: RepositoryReader, reference: Tag | Digest): Promise<void> {
  if (!isConditional(exchange)) return;
  const current = await reader.resolve(reference, { signal: exchange.signal });
  checkPreconditions(exchange, current && etagOf(current.digest));
}

function headersOf({ mediaType, digest, size }: Descriptor): AnswerHeaders {
  return {
    "content-type": mediaType,
    "content-length": size,
    "docker-content-digest": digest,
    etag: etagOf(digest),
  };
}

async function missing(exchange: Exchange, home: Home, repository: string): Promise<ApiError> {
  return await home.missing(repository, "MANIFEST_UNKNOWN", "no such manifest", exchange.signal);
}
