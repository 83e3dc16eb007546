import * as z from "zod";
import { classifyFailure, isRegistryError, RegistryError } from "../errors.ts";
import type { BlobLane, LaneProvider } from "../lane.ts";
import type { Blob, Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestAlgorithm, digestOf, isDigest } from "../oci/digest.ts";
import { defaultMaxManifestBytes, type Manifest, sniffManifestMediaType } from "../oci/manifest.ts";
import { isManifestMediaType, manifestMediaTypes } from "../oci/media-type.ts";
import { isTag, joinPath, parseRepositoryPath, type Tag } from "../oci/reference.ts";
import type {
  CallOptions,
  FetchBlobOptions,
  ManifestOptions,
  OpenBlob,
  PushBlobOptions,
  PushManifestOptions,
  PushOutcome,
  ReferrersOptions,
  RepositoryReader,
  RepositoryWriter,
} from "../repository.ts";
import { blobLane } from "./blob-download.ts";
import { uploadBlob } from "./blob-upload.ts";
import { Endpoints } from "./endpoints.ts";
import { fetchBlob } from "./fetch-blob.ts";
import { contentLengthOf, headerOf, mediaTypeOf, type ResponseHeaders } from "./headers.ts";
import type { ClientResponse, HttpClient } from "./http-client.ts";
import { type Operation, protocolError } from "./operation.ts";
import { jsonOf, paginate } from "./paginate.ts";
import { listReferrers } from "./referrers.ts";
import { mayPass } from "./retry.ts";

const tagsSchema = z.object({ tags: z.array(z.string()).nullish() });
const tagsPerPage = 1000;
const acceptManifests = manifestMediaTypes.join(", ");

/** Types that say nothing about which manifest it is; some registries and proxies send them. */
const genericTypes: ReadonlySet<string> = new Set(["application/json", "text/plain", "application/octet-stream"]);

/** Options of {@link RemoteRepository}. */
export interface RemoteRepositoryOptions {
  /** The largest body of one upload request, in bytes. @defaultValue any: a blob in one piece */
  readonly uploadChunkBytes?: number | undefined;
}

/** One repository of a remote registry. Stateless: readers and writers may share it. */
export class RemoteRepository implements RepositoryReader, RepositoryWriter, LaneProvider {
  readonly name: string;
  readonly lane: BlobLane;
  readonly #client: HttpClient;
  readonly #endpoints: Endpoints;
  /** The path of the registry's root, which mount hints are relative to. */
  readonly #root: string;
  readonly #uploadChunkBytes: number | undefined;

  constructor(
    client: HttpClient,
    host: string,
    root: string,
    path: string,
    { uploadChunkBytes }: RemoteRepositoryOptions = {},
  ) {
    if (uploadChunkBytes !== undefined && !(Number.isSafeInteger(uploadChunkBytes) && uploadChunkBytes > 0)) {
      throw new RangeError(`chunks of ${uploadChunkBytes} bytes`);
    }
    this.#uploadChunkBytes = uploadChunkBytes;
    this.#client = client;
    this.#root = root;
    this.#endpoints = new Endpoints(client.origin, host, parseRepositoryPath(joinPath(root, path)));
    this.name = this.#endpoints.name;
    this.lane = blobLane(client, this.#endpoints);
  }

  async resolve(reference: Tag | Digest, { signal }: CallOptions = {}): Promise<Descriptor | undefined> {
    const operation = this.#endpoints.operation("resolve", reference);
    const url = this.#endpoints.manifest(reference);
    const headers = { accept: acceptManifests };
    const expect = [200, 404];
    const scopes = this.#endpoints.scope("pull");
    const request = { method: "HEAD" as const, url, headers, operation, lane: "meta" as const, scopes, expect, signal };
    const head = await this.#client.ask(request);
    if (head.status === 404) return undefined;
    const descriptor = describe(head.headers);
    if (!descriptor) return await this.#resolveByBody(reference, signal);
    if (isDigest(reference)) requireSame(reference, descriptor.digest, operation);
    return descriptor;
  }

  async manifest(reference: Tag | Digest, options: ManifestOptions = {}): Promise<Manifest> {
    const { maxBytes = defaultMaxManifestBytes, signal } = options;
    const operation = this.#endpoints.operation("read manifest", reference);
    const url = this.#endpoints.manifest(reference);
    const request = {
      method: "GET" as const,
      url,
      headers: { accept: acceptManifests },
      operation,
      lane: "meta" as const,
      scopes: this.#endpoints.scope("pull"),
      expect: [200],
      maxBodyBytes: maxBytes,
      signal,
    };
    const attempt = async () => toManifest(await this.#client.send(request), reference, operation);
    // bytes that arrive damaged get a second look, not five: a registry that lies goes on lying
    const shouldRetry = (error: unknown, n: number) =>
      mayPass(error, n) || (classifyFailure(error) === "corrupt" && n === 1);
    return await this.#client.retrying(operation, attempt, { signal, shouldRetry });
  }

  async statBlob(digest: Digest, { signal }: CallOptions = {}): Promise<{ readonly size: number } | undefined> {
    const operation = this.#endpoints.operation("stat blob", digest);
    const url = this.#endpoints.blob(digest);
    const expect = [200, 404];
    const scopes = this.#endpoints.scope("pull");
    const head = await this.#client.ask({ method: "HEAD", url, operation, lane: "meta", scopes, expect, signal });
    if (head.status === 404) return undefined;
    const size = contentLengthOf(head.headers);
    if (size === undefined) throw protocolError(operation, "a blob without Content-Length");
    return { size };
  }

  fetchBlob(blob: Blob, options?: FetchBlobOptions): AsyncIterable<Uint8Array> {
    return this.#fetch(blob, options);
  }

  async *#fetch(blob: Blob, options: FetchBlobOptions | undefined): AsyncGenerator<Uint8Array> {
    if (blob.size === 0) await this.#requireEmpty(blob, options);
    else yield* fetchBlob(this.#client, this.#endpoints, blob, options);
  }

  /** There are no bytes to fetch, but a reader relies on the blob being there. */
  async #requireEmpty(blob: Blob, options: CallOptions | undefined): Promise<void> {
    const { registry, reference, what } = this.#endpoints.operation("read blob", blob.digest);
    const there = await this.statBlob(blob.digest, options);
    if (!there) throw new RegistryError("NOT_FOUND", `cannot ${what}: it is not there`, { registry, reference });
    const actual = digestOf(new Uint8Array(), digestAlgorithm(blob.digest));
    if (there.size === 0 && actual === blob.digest) return;
    const details = { reference, expected: blob.digest, actual };
    throw new RegistryError("DIGEST_MISMATCH", `cannot ${what}: it is not empty`, details);
  }

  async *tags({ signal }: CallOptions = {}): AsyncGenerator<Tag> {
    const operation = this.#endpoints.operation("list tags of");
    const url = this.#endpoints.tags(tagsPerPage);
    const scopes = this.#endpoints.scope("pull");
    for await (const page of paginate(this.#client, { url, operation, scopes, signal })) {
      const body = tagsSchema.safeParse(jsonOf(page, operation));
      if (!body.success) throw protocolError(operation, "the answer is no list of tags");
      for (const tag of body.data.tags ?? []) {
        if (!isTag(tag)) throw protocolError(operation, `not a tag: ${JSON.stringify(tag.slice(0, 150))}`);
        yield tag;
      }
    }
  }

  referrers(subject: Digest, options?: ReferrersOptions): AsyncIterable<Descriptor> {
    return listReferrers(this.#client, this.#endpoints, this, subject, options);
  }

  pushBlob(blob: Blob, open: OpenBlob, { mountFrom = [], signal }: PushBlobOptions = {}): Promise<PushOutcome> {
    const paths = mountFrom.map((path) => joinPath(this.#root, path));
    return uploadBlob(this.#client, this.#endpoints, blob, open, {
      mountPaths: paths,
      chunkBytes: this.#uploadChunkBytes,
      signal,
    });
  }

  async pushManifest(manifest: Manifest, { tags = [], signal }: PushManifestOptions = {}): Promise<void> {
    const { descriptor, bytes } = manifest;
    const own = this.#endpoints.operation("push manifest", descriptor.digest);
    requireSame(descriptor.digest, digestOf(bytes, digestAlgorithm(descriptor.digest)), own);
    for (const reference of tags.length > 0 ? tags : [descriptor.digest]) {
      const operation = this.#endpoints.operation("push manifest", reference);
      const { headers } = await this.#client.ask({
        method: "PUT",
        url: this.#endpoints.manifest(reference),
        headers: { "content-type": descriptor.mediaType },
        body: bytes,
        operation,
        lane: "meta",
        scopes: this.#endpoints.scope("pull", "push"),
        expect: [201, 200, 202],
        signal,
      });
      const stored = headerOf(headers, "docker-content-digest");
      // a registry may name it by another algorithm; only a digest of the same one can contradict
      if (stored?.startsWith(descriptor.digest.slice(0, 7))) requireSame(descriptor.digest, stored, operation);
    }
  }

  async #resolveByBody(reference: Tag | Digest, signal?: AbortSignal): Promise<Descriptor | undefined> {
    try {
      return (await this.manifest(reference, { signal })).descriptor;
    } catch (error) {
      if (isRegistryError(error, "NOT_FOUND")) return undefined; // it went between the two requests
      throw error;
    }
  }
}

/** A descriptor out of a HEAD's headers, when they say enough. */
function describe(headers: ResponseHeaders): Descriptor | undefined {
  const digest = headerOf(headers, "docker-content-digest");
  const mediaType = mediaTypeOf(headers);
  const size = contentLengthOf(headers);
  if (digest === undefined || !isDigest(digest) || size === undefined) return undefined;
  return mediaType !== undefined && isManifestMediaType(mediaType) ? { mediaType, digest, size } : undefined;
}

function toManifest({ headers, body }: ClientResponse, reference: Tag | Digest, operation: Operation): Manifest {
  const told = mediaTypeOf(headers);
  const mediaType = told === undefined || genericTypes.has(told) ? sniffManifestMediaType(body) : told;
  if (mediaType === undefined || !isManifestMediaType(mediaType)) {
    throw protocolError(operation, `the answer is ${told ?? "of no type"}, which is no manifest`);
  }
  const announced = headerOf(headers, "docker-content-digest");
  const proven = isDigest(reference) ? reference : announced;
  const expected = proven !== undefined && isDigest(proven) ? proven : undefined;
  const digest = digestOf(body, expected && digestAlgorithm(expected));
  if (expected) requireSame(expected, digest, operation);
  return { descriptor: { mediaType, digest, size: body.byteLength }, bytes: body };
}

function requireSame(expected: Digest, actual: string, { reference, what }: Operation): void {
  if (expected === actual) return;
  const message = `cannot ${what}: expected ${expected}, got ${actual}`;
  throw new RegistryError("DIGEST_MISMATCH", message, { reference, expected, actual });
}
