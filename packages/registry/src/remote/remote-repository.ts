import * as z from "zod";
import { classifyFailure, isRegistryError, RegistryError } from "../errors.ts";
import type { BlobLane, LaneProvider } from "../lane.ts";
import type { Blob, Descriptor } from "../oci/descriptor.ts";
import { type Digest, digestAlgorithm, digestOf, isDigest } from "../oci/digest.ts";
import { defaultMaxManifestBytes, type Manifest } from "../oci/manifest.ts";
import { manifestMediaTypes } from "../oci/media-type.ts";
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
  RepositoryDeleter,
  RepositoryReader,
  RepositoryWriter,
  SourceMounts,
  WriteProbe,
} from "../repository.ts";
import { blobLane } from "./blob-download.ts";
import { statBlob } from "./blob-stat.ts";
import { uploadBlob } from "./blob-upload.ts";
import { deleteBlob, deleteManifest, deleteTag } from "./delete.ts";
import { Endpoints } from "./endpoints.ts";
import { fetchBlob } from "./fetch-blob.ts";
import type { ClientResponse, HttpClient } from "./http-client.ts";
import { listItems } from "./list-items.ts";
import { describeHead, readManifest, requireSameDigest } from "./manifest-answer.ts";
import { pushManifest } from "./manifest-push.ts";
import { type Operation, protocolError } from "./operation.ts";
import { jsonOf } from "./paginate.ts";
import { listReferrers } from "./referrers.ts";
import { unknownMethod } from "./reported.ts";
import { mayPass } from "./retry.ts";
import { probeWrite } from "./write-probe.ts";

/** How often a manifest is asked for again that arrives damaged. */
const maxDamages = 2;

const tagsSchema = z.object({ tags: z.array(z.string()).nullish() });
const tagsPerPage = 1000;
const acceptManifests = manifestMediaTypes.join(", ");

/** Options of {@link RemoteRepository}. */
export interface RemoteRepositoryOptions {
  /** The largest body of one upload request, in bytes. @defaultValue any: a blob in one piece */
  readonly uploadChunkBytes?: number | undefined;
}

/** One repository of a remote registry. Stateless: readers and writers may share it. */
export class RemoteRepository
  implements RepositoryReader, RepositoryWriter, RepositoryDeleter, WriteProbe, SourceMounts, LaneProvider
{
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
    const expect = [200, 404, ...unknownMethod];
    const scopes = this.#endpoints.scope("pull");
    const request = { method: "HEAD" as const, url, headers, operation, lane: "meta" as const, scopes, expect, signal };
    const head = await this.#client.ask(request);
    if (head.status === 404) return undefined;
    const descriptor = head.status === 200 ? describeHead(head.headers) : undefined;
    // a registry may name it by another algorithm than asked for: the bytes tell whether it is the same
    const isOtherwiseNamed =
      descriptor && isDigest(reference) && digestAlgorithm(reference) !== digestAlgorithm(descriptor.digest);
    if (!descriptor || isOtherwiseNamed) return await this.#resolveByBody(reference, signal);
    if (isDigest(reference)) requireSameDigest(reference, descriptor.digest, operation);
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
    const attempt = async () => readManifest(await this.#client.send(request), reference, operation);
    // bytes that arrive damaged get a second and a third look, not five: a registry that lies goes on lying
    let damages = 0;
    const shouldRetry = (error: unknown, n: number) => {
      if (classifyFailure(error) !== "corrupt") return mayPass(error, n);
      damages += 1;
      return damages <= maxDamages;
    };
    return await this.#client.retrying(operation, attempt, { signal, shouldRetry });
  }

  statBlob(digest: Digest, { signal }: CallOptions = {}): Promise<{ readonly size: number } | undefined> {
    return statBlob(this.#client, this.#endpoints, digest, signal);
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

  tags({ signal }: CallOptions = {}): AsyncGenerator<Tag> {
    const operation = this.#endpoints.operation("list tags of");
    return listItems(this.#client, {
      url: this.#endpoints.tags(),
      pageSize: tagsPerPage,
      itemsOf: (page) => tagsOf(page, operation),
      operation,
      scopes: this.#endpoints.scope("pull"),
      signal,
    });
  }

  referrers(subject: Digest, options?: ReferrersOptions): AsyncIterable<Descriptor> {
    return listReferrers(this.#client, this.#endpoints, this, subject, options);
  }

  pushBlob(blob: Blob, open: OpenBlob, options: PushBlobOptions = {}): Promise<PushOutcome> {
    const { mountFrom = [], source, signal } = options;
    const from = source === undefined ? undefined : this.#endpoints.pathOf(source);
    const paths = [...mountFrom.map((path) => joinPath(this.#root, path)), ...(from === undefined ? [] : [from])];
    return uploadBlob(this.#client, this.#endpoints, blob, open, {
      mountPaths: paths,
      chunkBytes: this.#uploadChunkBytes,
      signal,
    });
  }

  mountsFrom(source: string): boolean {
    return this.#endpoints.pathOf(source) !== undefined;
  }

  pushManifest(manifest: Manifest, options?: PushManifestOptions): Promise<void> {
    return pushManifest(this.#client, this.#endpoints, manifest, options);
  }

  probeWrite(options?: CallOptions): Promise<AsyncDisposable> {
    return probeWrite(this.#client, this.#endpoints, options);
  }

  deleteTag(tag: Tag, { signal }: CallOptions = {}): Promise<boolean> {
    return deleteTag(this.#client, this.#endpoints, tag, signal);
  }

  deleteManifest(digest: Digest, { signal }: CallOptions = {}): Promise<boolean> {
    return deleteManifest(this.#client, this.#endpoints, this, digest, signal);
  }

  deleteBlob(digest: Digest, { signal }: CallOptions = {}): Promise<boolean> {
    return deleteBlob(this.#client, this.#endpoints, digest, signal);
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

/** The tags of a page of a list. @throws RegistryError `PROTOCOL` */
export function tagsOf(page: ClientResponse, operation: Operation): readonly Tag[] {
  const body = tagsSchema.safeParse(jsonOf(page, operation));
  if (!body.success) throw protocolError(operation, "the answer is no list of tags");
  const tags = body.data.tags ?? [];
  const odd = tags.find((tag) => !isTag(tag));
  if (odd === undefined) return tags;
  throw protocolError(operation, `not a tag: ${JSON.stringify(odd.slice(0, 150))}`);
}
