import { Agent } from "undici";
import * as z from "zod";
import type { RegistryEvent } from "../events.ts";
import type { LaneProvider } from "../lane.ts";
import { isRepositoryPath, type Place, parsePlace } from "../oci/reference.ts";
import type { Registry } from "../registry.ts";
import type { CallOptions, RepositoryReader, RepositoryWriter } from "../repository.ts";
import type { Credentials } from "./auth/authenticator.ts";
import { basicAuthenticator } from "./auth/basic.ts";
import { catalogScope } from "./auth/scope.ts";
import { createHostGate, type GateLimits } from "./host-gate.ts";
import { HttpClient } from "./http-client.ts";
import { protocolError } from "./operation.ts";
import { jsonOf, paginate } from "./paginate.ts";
import { RemoteRepository } from "./remote-repository.ts";
import { defaultThrottleWaitMs } from "./retry.ts";

/** Options of {@link createRegistry}. */
export interface RegistryOptions {
  /** Who asks. @defaultValue nobody: anonymous */
  readonly credentials?: Credentials | undefined;
  /** Speak plain HTTP. @defaultValue only with loopback hosts, such as `localhost` */
  readonly insecure?: boolean | undefined;
  /** Accept any certificate. @defaultValue false */
  readonly tlsSkipVerify?: boolean | undefined;
  /** Certificates to trust instead of the system's, PEM. */
  readonly ca?: string | readonly string[] | undefined;
  /** Requests at once, by kind. */
  readonly limits?: GateLimits | undefined;
  /** The longest time without a byte, in milliseconds. @defaultValue 60 000 */
  readonly idleTimeoutMs?: number | undefined;
  /** How often a request is sent at most. @defaultValue 5 */
  readonly attempts?: number | undefined;
  /** The pause before a request is sent again, in milliseconds; it doubles from try to try. @defaultValue 500 */
  readonly retryDelayMs?: number | undefined;
  /**
   * How long one call may wait in all because the registry said so with `Retry-After`, in milliseconds. Asked for more,
   * it fails at once. @defaultValue 300 000: five minutes
   */
  readonly throttleWaitMs?: number | undefined;
  /** Told of what happens on the way. */
  readonly onEvent?: ((event: RegistryEvent) => void) | undefined;
  /** @defaultValue `tranship` */
  readonly userAgent?: string | undefined;
}

/** A repository on a remote host; it also offers the bare lane of its blobs. */
export type RemoteRegistryRepository = RepositoryReader & RepositoryWriter & LaneProvider;

/** A registry on a remote host. Holds its connections until disposed. */
export interface RemoteRegistry extends Registry, AsyncDisposable {
  repository(path: string): RemoteRegistryRepository;
  /** Drops all connections at once. What still runs fails; what comes later is refused with `UNSUPPORTED`. */
  close(): Promise<void>;
}

const catalogSchema = z.object({ repositories: z.array(z.string()).nullish() });
const repositoriesPerPage = 1000;
const longestConnectMs = 10_000;

/**
 * A registry reached over HTTP. `place` is `host[:port][/path]`; repositories are named below that path. Nothing is
 * asked of the host yet.
 * @throws RegistryError `INVALID_REFERENCE` when `place` is none
 * @see distribution-spec v1.1.1
 */
export function createRegistry(place: string, options: RegistryOptions = {}): RemoteRegistry {
  const parsed = parsePlace(place);
  return new HttpRegistry(parsed, createClient(parsed, options));
}

function createClient({ host }: Place, options: RegistryOptions): HttpClient {
  const { idleTimeoutMs = 60_000, attempts = 5, retryDelayMs = 500, userAgent = "tranship" } = options;
  const { throttleWaitMs = defaultThrottleWaitMs } = options;
  const { credentials, insecure, tlsSkipVerify = false, ca, limits = {}, onEvent } = options;
  const { meta = 8, down = 8, up = 4 } = limits;
  const origin = originOf(host, insecure);
  return new HttpClient({
    origin,
    dispatcher: new Agent({
      connections: meta + down + up,
      allowH2: false, // a slot of the gate is a connection; streams of one would share a window
      connectTimeout: Math.min(longestConnectMs, idleTimeoutMs),
      connect: {
        rejectUnauthorized: !tlsSkipVerify,
        ...(ca === undefined ? {} : { ca: typeof ca === "string" ? ca : [...ca] }),
      },
    }),
    gate: createHostGate({ ...limits, meta, down, up }),
    authenticator: basicAuthenticator(credentials),
    idleTimeoutMs,
    attempts,
    retryDelayMs,
    throttleWaitMs,
    userAgent,
    onEvent,
  });
}

/** `localhost`, names below it, and loopback addresses. */
export function isLoopback(hostname: string): boolean {
  return /^(?:(?:.+\.)?localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/i.test(hostname);
}

function originOf(host: string, insecure: boolean | undefined): URL {
  const { hostname } = new URL(`http://${host}`);
  return new URL(`${(insecure ?? isLoopback(hostname)) ? "http" : "https"}://${host}`);
}

class HttpRegistry implements RemoteRegistry {
  readonly name: string;
  readonly #place: Place;
  readonly #client: HttpClient;

  constructor(place: Place, client: HttpClient) {
    this.name = place.path === "" ? place.host : `${place.host}/${place.path}`;
    this.#place = place;
    this.#client = client;
  }

  repository(path: string): RemoteRegistryRepository {
    return new RemoteRepository(this.#client, this.#place.host, this.#place.path, path);
  }

  async *repositories({ signal }: CallOptions = {}): AsyncGenerator<string> {
    const operation = { registry: this.#place.host, reference: this.name, what: `list repositories of ${this.name}` };
    const url = new URL(`/v2/_catalog?n=${repositoriesPerPage}`, this.#client.origin);
    for await (const page of paginate(this.#client, { url, operation, scopes: [catalogScope], signal })) {
      const body = catalogSchema.safeParse(jsonOf(page, operation));
      if (!body.success) throw protocolError(operation, "the answer is no list of repositories");
      for (const path of body.data.repositories ?? []) {
        if (!isRepositoryPath(path)) {
          throw protocolError(operation, `not a repository: ${JSON.stringify(path.slice(0, 300))}`);
        }
        const below = this.#below(path);
        if (below !== undefined) yield below;
      }
    }
  }

  async close(): Promise<void> {
    await this.#client[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The path as seen from the root; `undefined` for one outside of it. */
  #below(path: string): string | undefined {
    const root = this.#place.path;
    if (root === "") return path;
    if (path === root) return "";
    return path.startsWith(`${root}/`) ? path.slice(root.length + 1) : undefined;
  }
}
