import type { IncomingMessage, ServerResponse } from "node:http";
import { isRegistryError } from "../errors.ts";
import type { Registry, RegistryReader } from "../registry.ts";
import { ApiError, refusalOf } from "./api-error.ts";
import { accessesOf } from "./auth/access.ts";
import { type Auth, createAuth } from "./auth/auth.ts";
import { answerBase } from "./base.ts";
import { answerBlob } from "./blobs.ts";
import { Exchange } from "./exchange.ts";
import { answerFile, isFilePath } from "./files.ts";
import { Home } from "./home.ts";
import { answerManifest } from "./manifests.ts";
import { answerReferrers } from "./referrers.ts";
import { Recorder } from "./request-record.ts";
import { parseRoute, type Route, unknownEndpoint } from "./route.ts";
import { ConnectionCut } from "./served-request.ts";
import type { ServerOptions } from "./server-options.ts";
import { answerCatalog, answerTags } from "./tags.ts";
import { UploadStore } from "./upload-store.ts";
import { answerUpload, answerUploads } from "./uploads.ts";

/** So many errors below another are looked at: they may lead in a circle. */
const maxCauses = 8;

/** Takes requests to their handlers, and refusals back. */
export class Service implements AsyncDisposable {
  readonly #home: Home;
  readonly #auth: Auth;
  readonly #uploads: UploadStore;
  readonly #options: ServerOptions;
  readonly #recorder: Recorder = new Recorder();
  readonly #running: Map<Exchange, Promise<void>> = new Map();
  #isClosing = false;

  /** `origin`: where clients find the server. */
  constructor(registry: RegistryReader | Registry, origin: string, options: ServerOptions) {
    const { credentials, auth = credentials && { scheme: "basic", credentials } } = options;
    this.#home = new Home(registry, {
      write: !options.readOnly,
      delete: options.allowDelete ?? true,
      anonymousMount: options.anonymousMount ?? true,
    });
    this.#auth = createAuth(auth, origin);
    this.#uploads = new UploadStore({
      maxBytes: options.maxBlobBytes ?? 64 * 1024 ** 3,
      minChunkBytes: options.minChunkBytes ?? 0,
      expiryMs: options.uploadExpiryMs ?? 3_600_000,
    });
    this.#options = options;
  }

  accept(request: IncomingMessage, response: ServerResponse): void {
    const exchange = new Exchange(request, response, this.#recorder);
    if (this.#isClosing) exchange.endConnection();
    const running = this.#serve(exchange)
      .then(() => exchange.over)
      .finally(() => this.#running.delete(exchange));
    this.#running.set(exchange, running);
  }

  /** From now on, every connection ends with the answer it is for. */
  endConnections(): void {
    this.#isClosing = true;
    for (const exchange of this.#running.keys()) exchange.endConnection();
  }

  /** Resolves once nothing is being served, to the last byte of the last answer. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.values());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.idle();
    await this.#uploads[Symbol.asyncDispose]();
  }

  async #serve(exchange: Exchange): Promise<void> {
    try {
      exchange.interception = this.#options.onRequest?.(exchange.record) ?? {};
      const { before, answer } = exchange.interception;
      await before?.(exchange.signal);
      if (answer) await exchange.send(answer.status, answer.headers ?? {}, new TextEncoder().encode(answer.body));
      else await this.#answer(exchange);
    } catch (error) {
      await this.#refuse(exchange, error).catch(() => exchange.destroy());
    } finally {
      exchange.drain();
    }
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { guard, tokens } = this.#auth;
    const { path } = exchange.record;
    if (tokens && path === "/token") return await tokens(exchange);
    const { files } = this.#options;
    if (files && isFilePath(path)) {
      if (exchange.interception.unauthorized) throw guard.refusal(exchange, []);
      guard.admit(exchange, []);
      return await answerFile(exchange, files);
    }
    const route = routeOf(path);
    const wanted = route instanceof ApiError ? [] : accessesOf(route, exchange.method, exchange.query);
    if (exchange.interception.unauthorized) throw guard.refusal(exchange, wanted);
    exchange.grant = guard.admit(exchange, wanted);
    if (route instanceof ApiError) throw route; // not told to who may not ask
    await this.#handle(exchange, route);
  }

  async #handle(exchange: Exchange, route: Route): Promise<void> {
    const { maxPageSize = 1000, referrersApi = true, wholeIndexes = false } = this.#options;
    const home = this.#home;
    switch (route.kind) {
      case "base":
        return await answerBase(exchange);
      case "catalog":
        return await answerCatalog(exchange, home, maxPageSize);
      case "tags":
        return await answerTags(exchange, home, route.repository, maxPageSize);
      case "manifest":
        return await answerManifest(exchange, home, route, { hasReferrers: referrersApi, wholeIndexes });
      case "blob":
        return await answerBlob(exchange, home, route);
      case "referrers":
        if (!referrersApi) throw unknownEndpoint();
        return await answerReferrers(exchange, home, route, maxPageSize);
      case "uploads":
        return await answerUploads(exchange, home, this.#uploads, route.repository);
      case "upload":
        return await answerUpload(exchange, home, this.#uploads, route.repository, route.id);
    }
  }

  async #refuse(exchange: Exchange, cause: unknown): Promise<void> {
    const error = isRegistryError(cause, "UNSUPPORTED") ? refusalOf(cause) : cause;
    if (error instanceof ApiError && !exchange.isAnswered) return await exchange.sendError(error);
    if (!(error instanceof ConnectionCut)) {
      exchange.record.failure = error instanceof Error ? error.message : String(error);
      if (!exchange.isAnswered && !exchange.signal.aborted) {
        return await exchange.sendError(failureOf(error));
      }
    }
    exchange.destroy();
  }
}

/** What who asked is told of a failure here: that there is no room, where waiting may not help; else it is nobody's business. */
function failureOf(error: unknown): ApiError {
  let cause = error;
  for (let depth = 0; cause instanceof Error && depth < maxCauses; depth += 1) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOSPC" || code === "EDQUOT") return new ApiError(507, "UNKNOWN", "there is no room left for this");
    cause = cause.cause;
  }
  return new ApiError(500, "UNKNOWN", "internal error");
}

/** The route of a path, or how it is refused. */
function routeOf(path: string): Route | ApiError {
  try {
    return parseRoute(path);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}
