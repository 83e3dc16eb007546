import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Registry, RegistryReader } from "../registry.ts";
import { ApiError } from "./api-error.ts";
import { answerBase, authorize, type BasicCredentials, unauthorized } from "./base.ts";
import { answerBlob } from "./blobs.ts";
import { Exchange } from "./exchange.ts";
import { Home } from "./home.ts";
import { answerManifest } from "./manifests.ts";
import { answerReferrers } from "./referrers.ts";
import { Recorder } from "./request-record.ts";
import { parseRoute } from "./route.ts";
import { ConnectionCut, type Interception, type ServedRequest } from "./served-request.ts";
import { answerCatalog, answerTags } from "./tags.ts";
import { UploadStore } from "./upload-store.ts";
import { answerUpload, answerUploads } from "./uploads.ts";

/** Options of {@link startServer}. */
export interface ServerOptions {
  /** The address listened on. @defaultValue "127.0.0.1" */
  readonly host?: string | undefined;
  /** @defaultValue 0, a free one */
  readonly port?: number | undefined;
  /** Refuses every write. @defaultValue false; what cannot be written refuses them anyway */
  readonly readOnly?: boolean | undefined;
  /** Whether tags, manifests and blobs may be deleted. @defaultValue true, where they can be and writes are taken */
  readonly allowDelete?: boolean | undefined;
  /** Wanted from every request, by HTTP's Basic scheme. @defaultValue none wanted */
  readonly credentials?: BasicCredentials | undefined;
  /** Tags or repositories in one page of a list, at most. @defaultValue 1000 */
  readonly maxPageSize?: number | undefined;
  /** Larger uploads are refused, in bytes. @defaultValue 64 GiB */
  readonly maxBlobBytes?: number | undefined;
  /** A connection on which nothing moves for this long is closed, in milliseconds. @defaultValue 120000 */
  readonly idleTimeoutMs?: number | undefined;
  /** Told of each request as it arrives; what it returns changes how that request is served. */
  readonly onRequest?: ((request: ServedRequest) => Interception | undefined) | undefined;
}

/** A running server. Hold it with `await using`. */
export interface RegistryServer extends AsyncDisposable {
  /** Address and port, such as `127.0.0.1:5000`. */
  readonly host: string;
  /** `http://` and {@link host}. */
  readonly url: string;
  /** Accepts nothing more, breaks off what is going on, and removes unfinished uploads. */
  close(): Promise<void>;
}

/**
 * Serves a registry over HTTP as the distribution-spec has it. Anything that reads can be served; writes go to what
 * can be written.
 * @throws NodeJS.ErrnoException when the address cannot be listened on
 * @see distribution-spec v1.1.1, "API"
 */
export async function startServer(
  registry: RegistryReader | Registry,
  options: ServerOptions = {},
): Promise<RegistryServer> {
  const service = new Service(registry, options);
  const server = createServer({ requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: 65_000 });
  server.setTimeout(options.idleTimeoutMs ?? 120_000); // idle only: a large blob may take any time
  server.on("request", (request, response) => service.accept(request, response));
  server.listen(options.port ?? 0, options.host ?? "127.0.0.1");
  await once(server, "listening");
  const host = hostOf(server);
  let closing: Promise<void> | undefined;
  const close = () => {
    closing ??= closeServer(server, service);
    return closing;
  };
  return { host, url: `http://${host}`, close, [Symbol.asyncDispose]: close };
}

async function closeServer(server: Server, service: Service): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
  await service[Symbol.asyncDispose]();
}

function hostOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return address.family === "IPv6" ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
}

/** Takes requests to their handlers, and refusals back. */
class Service implements AsyncDisposable {
  readonly #home: Home;
  readonly #uploads: UploadStore;
  readonly #options: ServerOptions;
  readonly #recorder: Recorder = new Recorder();
  readonly #running: Set<Promise<void>> = new Set();

  constructor(registry: RegistryReader | Registry, options: ServerOptions) {
    this.#home = new Home(registry, { write: !options.readOnly, delete: options.allowDelete ?? true });
    this.#uploads = new UploadStore(options.maxBlobBytes ?? 64 * 1024 ** 3);
    this.#options = options;
  }

  accept(request: IncomingMessage, response: ServerResponse): void {
    const running = this.#serve(new Exchange(request, response, this.#recorder)).finally(() =>
      this.#running.delete(running),
    );
    this.#running.add(running);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running);
    await this.#uploads[Symbol.asyncDispose]();
  }

  async #serve(exchange: Exchange): Promise<void> {
    try {
      exchange.interception = this.#options.onRequest?.(exchange.record) ?? {};
      const { before, answer, unauthorized: isUnauthorized } = exchange.interception;
      await before?.(exchange.signal);
      if (isUnauthorized) throw unauthorized();
      if (answer) await exchange.send(answer.status, answer.headers ?? {}, new TextEncoder().encode(answer.body));
      else await this.#answer(exchange);
    } catch (error) {
      await this.#refuse(exchange, error).catch(() => exchange.destroy());
    } finally {
      exchange.drain();
    }
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { credentials, maxPageSize = 1000 } = this.#options;
    if (credentials) authorize(exchange, credentials);
    const home = this.#home;
    const route = parseRoute(exchange.record.path);
    switch (route.kind) {
      case "base":
        return await answerBase(exchange);
      case "catalog":
        return await answerCatalog(exchange, home, maxPageSize);
      case "tags":
        return await answerTags(exchange, home, route.repository, maxPageSize);
      case "manifest":
        return await answerManifest(exchange, home, route);
      case "blob":
        return await answerBlob(exchange, home, route);
      case "referrers":
        return await answerReferrers(exchange, home, route.repository, route.digest);
      case "uploads":
        return await answerUploads(exchange, home, this.#uploads, route.repository);
      case "upload":
        return await answerUpload(exchange, home, this.#uploads, route.repository, route.id);
    }
  }

  async #refuse(exchange: Exchange, error: unknown): Promise<void> {
    if (error instanceof ApiError && !exchange.isAnswered) return await exchange.sendError(error);
    if (!(error instanceof ConnectionCut)) {
      exchange.record.failure = error instanceof Error ? error.message : String(error);
      if (!exchange.isAnswered && !exchange.signal.aborted) {
        return await exchange.sendError(new ApiError(500, "UNKNOWN", "internal error")); // the cause is nobody's business
      }
    }
    exchange.destroy();
  }
}
