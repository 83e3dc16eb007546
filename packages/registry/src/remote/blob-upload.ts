import { RegistryError } from "../errors.ts";
import type { Blob } from "../oci/descriptor.ts";
import type { OpenBlob, PushOutcome } from "../repository.ts";
import type { Endpoints } from "./endpoints.ts";
import { headerOf } from "./headers.ts";
import type { ClientResponse, HttpClient } from "./http-client.ts";
import { resolveLocation } from "./location.ts";
import { type Operation, protocolError } from "./operation.ts";
import { verifiedBody } from "./verified-body.ts";

/** How long the end of a failed upload's session may take, in milliseconds. */
const cancelTimeoutMs = 2000;

/** Answers to a mount that mean no more than "not this way". */
const mountRefusals: readonly number[] = [400, 401, 403, 404, 405];

/**
 * Stores a blob unless it is there: mounted from the first of `mountPaths` (whole paths on the host), else sent in one
 * PUT. What may pass is tried again in a new session, from the first byte.
 * @throws RegistryError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, and what the last failed try threw
 * @see distribution-spec v1.1.1, "Pushing blobs" and "Mounting a blob from another repository"
 */
export async function uploadBlob(
  client: HttpClient,
  endpoints: Endpoints,
  blob: Blob,
  open: OpenBlob,
  mountPaths: readonly string[],
  signal?: AbortSignal,
): Promise<PushOutcome> {
  const operation = endpoints.operation("push blob", blob.digest);
  const upload = new BlobUpload(client, endpoints, blob, operation, signal);
  const mountPath = mountPaths.find((path) => path !== endpoints.path);
  const attempt = async (n: number): Promise<PushOutcome> => {
    // after a failure, look again: the answer may have been lost, not the blob
    if (await upload.isThere()) return n === 1 ? "present" : "written";
    const session = await upload.begin(mountPath);
    if (session === "mounted") return "mounted";
    await upload.send(session, open(0));
    return "written";
  };
  return await client.retrying(operation, attempt, { signal });
}

class BlobUpload {
  readonly #client: HttpClient;
  readonly #endpoints: Endpoints;
  readonly #blob: Blob;
  readonly #operation: Operation;
  readonly #signal: AbortSignal | undefined;

  constructor(client: HttpClient, endpoints: Endpoints, blob: Blob, operation: Operation, signal?: AbortSignal) {
    this.#client = client;
    this.#endpoints = endpoints;
    this.#blob = blob;
    this.#operation = operation;
    this.#signal = signal;
  }

  async isThere(): Promise<boolean> {
    const url = this.#endpoints.blob(this.#blob.digest);
    const { status } = await this.#request({ method: "HEAD", url, expect: [200, 404] });
    return status === 200;
  }

  /** Opens a session, or finds that the blob could be mounted instead. */
  async begin(mountPath: string | undefined): Promise<URL | "mounted"> {
    const url = this.#endpoints.uploads();
    if (mountPath !== undefined) {
      const mount = new URL(url);
      mount.search = `?mount=${encodeURIComponent(this.#blob.digest)}&from=${encodeURIComponent(mountPath)}`;
      const answer = await this.#request({ method: "POST", url: mount, expect: [201, 202, ...mountRefusals] });
      if (answer.status === 201) return "mounted";
      if (answer.status === 202) return this.#session(answer);
    }
    return this.#session(await this.#request({ method: "POST", url, expect: [202] }));
  }

  async send(session: URL, source: AsyncIterable<Uint8Array>): Promise<void> {
    const body = verifiedBody(this.#blob, source, this.#operation);
    try {
      // The source is read before an `up` slot is asked for: a source on the same host takes its `down` slot first.
      const first = await body.next();
      const { headers } = await this.#client.send({
        method: "PUT",
        url: withDigest(session, this.#blob),
        headers: { "content-type": "application/octet-stream", "content-length": String(this.#blob.size) },
        ...(first.done ? {} : { body: resumed(first.value, body) }),
        operation: this.#operation,
        lane: "up",
        scopes: this.#endpoints.scope("pull", "push"),
        expect: [201, 204],
        signal: this.#signal,
      });
      this.#check(headerOf(headers, "docker-content-digest"));
    } catch (error) {
      void body.return(undefined).catch(() => {}); // the source may be in the middle of something: not waited for
      await this.#cancel(session);
      throw error;
    }
  }

  #check(stored: string | undefined): void {
    const { digest } = this.#blob;
    if (stored === undefined || stored === digest || !stored.startsWith(digest.slice(0, 7))) return;
    const { reference, what } = this.#operation;
    const message = `cannot ${what}: the registry stored it as ${stored.slice(0, 150)}`;
    throw new RegistryError("DIGEST_MISMATCH", message, { reference, expected: digest, actual: stored.slice(0, 150) });
  }

  #session({ headers, url }: ClientResponse): URL {
    const location = headerOf(headers, "location");
    const session = location === undefined ? "an upload without a Location" : resolveLocation(location, url);
    if (session instanceof URL) return session;
    throw protocolError(this.#operation, session);
  }

  /** Tells the registry that nothing more will come; a session it forgets by itself is no harm. */
  async #cancel(session: URL): Promise<void> {
    try {
      await this.#client.send({
        method: "DELETE",
        url: session,
        operation: this.#operation,
        lane: "meta",
        scopes: this.#endpoints.scope("pull", "push"),
        expect: [200, 202, 204, 404],
        signal: AbortSignal.timeout(cancelTimeoutMs),
      });
    } catch {
      // best effort: what failed before matters more
    }
  }

  #request(request: {
    readonly method: "HEAD" | "POST";
    readonly url: URL;
    readonly expect: readonly number[];
  }): Promise<ClientResponse> {
    // an empty body, told by its length: some registries hang on a POST without one
    const headers = request.method === "POST" ? { "content-length": "0" } : {};
    return this.#client.send({
      ...request,
      headers,
      operation: this.#operation,
      lane: "meta",
      scopes: this.#endpoints.scope("pull", "push"),
      signal: this.#signal,
    });
  }
}

/** The session's URL with the digest added; its own query stays as it is, byte for byte. */
function withDigest(session: URL, { digest }: Blob): URL {
  const url = new URL(session);
  url.search = `${session.search === "" ? "?" : `${session.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}

async function* resumed(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}
