import type { Dispatcher } from "undici";
import { isRegistryError, RegistryError } from "../errors.ts";
import type { RegistryEvent } from "../events.ts";
import type { Authenticator, ChallengeAnswer } from "./auth/authenticator.ts";
import { parseChallenges } from "./auth/challenge.ts";
import { BodyTaker } from "./body-taker.ts";
import type { BytePacer } from "./byte-pacer.ts";
import { type BodySink, exchange, type ResponseHead, type WireRequest } from "./exchange.ts";
import { headerOf, listHeaderOf, type ResponseHeaders } from "./headers.ts";
import { type ClosableHostGate, type GateLane, LineTooLong } from "./host-gate.ts";
import { httpError } from "./http-error.ts";
import { exchangeOnLane } from "./lane/lane-exchange.ts";
import type { LanePool } from "./lane/lane-pool.ts";
import { resolveLocation } from "./location.ts";
import { type Operation, printableUrl, protocolError } from "./operation.ts";
import { pacedBody, pacedSink } from "./paced-body.ts";
import { isPageForPeople } from "./page-for-people.ts";
import { mayPass, retryAfterOf, withRetry } from "./retry.ts";
import { longestTimerMs } from "./sleep.ts";
import { isForbiddenRedirect } from "./transport/private-address.ts";
import { unlessAborted } from "./unless-aborted.ts";
import { Warnings } from "./warnings.ts";

/** A request to the registry, and which answers it can use. */
export interface ClientRequest {
  readonly method: WireRequest["method"];
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Bytes, or what streams them; a stream is read once, so a redirect cannot be followed with it. */
  readonly body?: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  readonly operation: Operation;
  readonly lane: GateLane;
  /** A slot of the lane that is held already (see {@link HttpClient.reserve}): none is asked for, none given back. */
  readonly slot?: Disposable | undefined;
  /** What the request needs leave for, such as `repository:app:pull`. */
  readonly scopes: readonly string[];
  /** Statuses the caller understands; any other becomes an error. */
  readonly expect: readonly number[];
  /** Names who takes the body of an expected answer. Without it, the body is read whole. */
  readonly onHead?: ((head: ResponseHead) => BodySink) | undefined;
  /** The largest body read whole, in bytes. @defaultValue 64 KiB */
  readonly maxBodyBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** An expected answer. */
export interface ClientResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** Where it came from in the end. */
  readonly url: URL;
  /** Empty when `onHead` named a taker. */
  readonly body: Uint8Array;
}

/** What an {@link HttpClient} is made of. */
export interface HttpClientParts {
  readonly origin: URL;
  readonly dispatcher: Dispatcher;
  /** Faster ways for the bodies of blobs, where there are any. */
  readonly lanes?: ((url: URL) => LanePool | undefined) | undefined;
  readonly gate: ClosableHostGate;
  /** Holds all bodies to a number of bytes a second. @defaultValue unlimited */
  readonly bytePacer?: BytePacer | undefined;
  readonly authenticator: Authenticator;
  readonly idleTimeoutMs: number;
  readonly attempts: number;
  readonly retryDelayMs: number;
  /** How long one call may wait in all because the registry said so, in milliseconds. */
  readonly throttleWaitMs: number;
  readonly userAgent: string;
  readonly onEvent?: ((event: RegistryEvent) => void) | undefined;
}

/** Options of {@link HttpClient.retrying}. */
export interface RetryingOptions {
  readonly signal?: AbortSignal | undefined;
  readonly shouldRetry?: ((error: unknown, attempt: number) => boolean) | undefined;
  readonly progress?: (() => number) | undefined;
}

const maxRedirects = 5;
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Speaks HTTP with one registry: permits, credentials, redirects, bounded bodies, typed errors. */
export class HttpClient implements AsyncDisposable {
  readonly origin: URL;
  readonly #parts: HttpClientParts;
  readonly #closing = new AbortController();
  /** What callers' signals and our end come to: many requests share one signal, and joining signals has its price. */
  readonly #endings = new WeakMap<AbortSignal, AbortSignal>();
  readonly #warnings: Warnings;

  constructor(parts: HttpClientParts) {
    this.origin = parts.origin;
    this.#parts = parts;
    this.#warnings = new Warnings(parts.origin.host, parts.onEvent);
  }

  /** One request, with its redirects, under one permit; no retry. */
  async send(request: ClientRequest): Promise<ClientResponse> {
    this.#refuseWhenClosed(request.operation);
    const { lane, operation, signal } = request;
    using _slot = request.slot ? undefined : await this.reserve(lane, operation, signal);
    await this.#turn(request);
    const first = await this.#follow(request);
    if (first.failure?.status !== 401) return this.#judge(request, first);
    const answer = await this.#challenged(request, first);
    if (!answer.tryAgain) throw httpError(first.failure, operation, answer.hint);
    await this.#turn(request);
    const second = await this.#follow(request);
    if (second.failure?.status !== 401) return this.#judge(request, second);
    throw httpError(second.failure, operation, "what was shown it is not enough for this");
  }

  /**
   * A slot for several requests one after another, such as a download that goes on where it broke. What feeds an
   * upload must keep its `down` slot: the upload holds `up`, and would otherwise wait for one who waits for `up`.
   */
  async reserve(lane: GateLane, operation: Operation, signal?: AbortSignal): Promise<Disposable> {
    this.#refuseWhenClosed(operation);
    return await this.#parts.gate.reserve(lane, signal).catch((error: unknown) => this.#sentHome(error, operation));
  }

  /** Repeats `attempt` as the registry's options say, telling of every repetition. */
  async retrying<T>(
    operation: Operation,
    attempt: (n: number) => Promise<T>,
    { signal, shouldRetry = mayPass, progress }: RetryingOptions = {},
  ): Promise<T> {
    const { attempts, retryDelayMs, throttleWaitMs, onEvent } = this.#parts;
    const work = () =>
      withRetry(attempt, {
        attempts,
        delayMs: retryDelayMs,
        throttleWaitMs,
        progress,
        signal: this.#untilClosed(signal),
        shouldRetry,
        onRetry: (error, n, delayMs) => {
          const { registry, reference } = operation;
          const code = isRegistryError(error) ? error.code : "UNKNOWN";
          onEvent?.({ type: "request.retried", registry, reference, code, attempt: n, delayMs });
        },
      });
    // an attempt may wait for what knows nothing of our end: a source of bytes, somebody's provider of credentials
    return await unlessAborted(work, this.#closing.signal);
  }

  /**
   * One exchange with the registry itself as nobody: without credentials, a permit, redirects or another try. Any status is
   * an answer; of its body as much is kept as of an error's. `onHead` is called while the connection stands.
   */
  async askAsNobody(
    request: Pick<WireRequest, "method" | "url" | "operation" | "signal" | "onSocket">,
    onHead?: (head: ResponseHead) => void,
  ): Promise<ClientResponse> {
    this.#refuseWhenClosed(request.operation);
    const { dispatcher, idleTimeoutMs, userAgent } = this.#parts;
    const taker = new BodyTaker({ ...request, expect: [] });
    const headers = { "user-agent": userAgent, "accept-encoding": "identity" };
    const head = await exchange(dispatcher, { ...request, headers, idleTimeoutMs }, (answer) => {
      onHead?.(answer);
      return taker.sinkFor(answer);
    });
    return { ...head, url: request.url, body: taker.body() };
  }

  /** A small request: sent, and sent again when it may pass. */
  ask(request: ClientRequest): Promise<ClientResponse> {
    return this.retrying(request.operation, () => this.send(request), { signal: request.signal });
  }

  /** Drops all connections at once; what still runs fails, what comes later is refused. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing.signal.aborted) return;
    const closed = new RegistryError("UNSUPPORTED", `the client of ${this.origin.host} was closed`, {
      registry: this.origin.host,
      operation: "request",
    });
    this.#closing.abort(closed);
    this.#parts.gate.close(closed);
    await this.#parts.dispatcher.destroy(closed);
  }

  async #follow(request: ClientRequest): Promise<Outcome> {
    let url = request.url;
    for (let hops = 0; ; hops += 1) {
      const taker = new BodyTaker(request);
      const { status, headers, sent } = await this.#exchange(request, url, taker);
      if (!redirectStatuses.has(status) || request.expect.includes(status)) {
        const body = taker.body();
        const response = { status, headers, url, body };
        if (request.expect.includes(status)) return { response: this.#registrys(response, request) };
        const isPlain = url.protocol === "http:";
        return { failure: { status, headers, body, host: url.host, isPlain, sent }, isOwn: this.#isOwn(url) };
      }
      url = this.#redirect(request, url, status, headers, hops);
    }
  }

  /** @throws RegistryError `PROTOCOL` for a page that somebody else gives in the registry's place */
  #registrys(response: ClientResponse, { method, operation }: ClientRequest): ClientResponse {
    if (!this.#isOwn(response.url) || !isPageForPeople(method, response)) return response;
    throw protocolError(operation, "the answer is a page for people: something else than a registry answers there");
  }

  async #exchange(
    request: ClientRequest,
    url: URL,
    taker: BodyTaker,
  ): Promise<ResponseHead & { readonly sent: string | undefined }> {
    const { authenticator, bytePacer, dispatcher, idleTimeoutMs, userAgent } = this.#parts;
    const { method, operation, scopes, signal } = request;
    const ending = this.#untilClosed(signal);
    const headers: Record<string, string> = {
      "user-agent": userAgent,
      "accept-encoding": "identity", // digests and ranges are of the bytes as they are stored
      ...request.headers,
    };
    if (this.#isOwn(url)) {
      const authorization = await authenticator.authorization({ scopes }, ending);
      if (authorization !== undefined) headers.authorization = authorization;
    }
    let { body } = request;
    if (bytePacer && body) {
      if (body instanceof Uint8Array) headers["content-length"] ??= String(body.byteLength);
      body = pacedBody(body, bytePacer, ending);
    }
    const wire = { method, url, headers, body, operation, idleTimeoutMs, signal };
    const onHead = (answer: ResponseHead) => {
      if (this.#isOwn(url)) this.#warnings.see(answer.headers, headers.authorization);
      const sink = taker.sinkFor(answer);
      return bytePacer ? pacedSink(sink, bytePacer, ending) : sink;
    };
    const lane = method === "GET" && request.lane === "down" ? this.#parts.lanes?.(url) : undefined;
    const head = (lane && (await exchangeOnLane(lane, wire, onHead))) ?? (await exchange(dispatcher, wire, onHead));
    return { ...head, sent: headers.authorization };
  }

  #redirect(
    { method, body, operation }: ClientRequest,
    from: URL,
    status: number,
    headers: ResponseHeaders,
    hops: number,
  ) {
    const refuse = (reason: string) => protocolError(operation, reason);
    const location = headerOf(headers, "location");
    if (location === undefined) throw refuse(`redirect ${status} without a Location`);
    if (hops >= maxRedirects) throw refuse(`more than ${maxRedirects} redirects, the last from ${printableUrl(from)}`);
    const isRead = method === "GET" || method === "HEAD";
    if (!isRead && (status < 307 || (body !== undefined && !(body instanceof Uint8Array)))) {
      throw refuse(`redirect ${status} of a ${method}`);
    }
    const to = resolveLocation(location, from);
    if (typeof to === "string") throw refuse(`redirect ${status}: ${to}`);
    const danger = isForbiddenRedirect(from, to);
    if (danger !== undefined) throw refuse(`redirect ${status}: ${danger}`);
    return to;
  }

  async #challenged(request: ClientRequest, { failure, isOwn }: Outcome): Promise<ChallengeAnswer> {
    if (failure === undefined || !isOwn) return { tryAgain: false };
    const { sent } = failure;
    const challenges = parseChallenges(listHeaderOf(failure.headers, "www-authenticate"));
    const { scopes, signal } = request;
    const answer = await this.#parts.authenticator.challenged({ challenges, scopes, sent }, this.#untilClosed(signal));
    const isReplayable = request.body === undefined || request.body instanceof Uint8Array;
    return { ...answer, tryAgain: answer.tryAgain && isReplayable };
  }

  async #turn({ operation, signal }: ClientRequest): Promise<void> {
    await this.#parts.gate.turn(signal).catch((error: unknown) => this.#sentHome(error, operation));
  }

  /** Who waited for others' requests to be let in again hears what those were told. */
  #sentHome(error: unknown, { registry, reference, what }: Operation): never {
    if (!(error instanceof LineTooLong)) throw error;
    const message = `cannot ${what}: ${error.message}`;
    throw new RegistryError("RATE_LIMITED", message, { registry, reference, retryAfterMs: error.restMs });
  }

  #judge({ operation }: ClientRequest, { response, failure }: Outcome): ClientResponse {
    const { gate } = this.#parts;
    if (failure === undefined) {
      gate.answered();
      return response;
    }
    const error = httpError(failure, operation);
    const isTurnedAway = error.code === "RATE_LIMITED" || error.code === "SERVER_ERROR";
    if (isTurnedAway) this.#rest(retryAfterOf(error) ?? 0);
    else gate.answered();
    throw error;
  }

  /** Whether it is the registry itself, by scheme, host and port: nobody else is shown who asks, or asks for it. */
  #isOwn(url: URL): boolean {
    return url.origin === this.origin.origin;
  }

  /** Makes everyone wait as long as the registry asked, unless that is longer than anyone would. */
  #rest(delayMs: number): void {
    const { gate, throttleWaitMs, onEvent } = this.#parts;
    if (delayMs <= 0 || delayMs > Math.min(throttleWaitMs, longestTimerMs)) return;
    const untilMs = Date.now() + delayMs;
    const isNews = gate.slowUntil(untilMs);
    gate.dismissAfter(throttleWaitMs);
    if (isNews) onEvent?.({ type: "registry.slowed", registry: this.origin.host, delayMs, untilMs });
  }

  /** Aborted with the caller's signal, and when the client is closed. */
  #untilClosed(signal: AbortSignal | undefined): AbortSignal {
    if (!signal) return this.#closing.signal;
    const known = this.#endings.get(signal);
    if (known) return known;
    const ending = AbortSignal.any([signal, this.#closing.signal]);
    this.#endings.set(signal, ending);
    return ending;
  }

  #refuseWhenClosed({ what }: Operation): void {
    if (!this.#closing.signal.aborted) return;
    const details = { registry: this.origin.host, operation: what };
    throw new RegistryError("UNSUPPORTED", `cannot ${what}: the registry's client was closed`, details);
  }
}

type Outcome =
  | {
      readonly response: ClientResponse;
      readonly failure?: undefined;
      readonly isOwn?: undefined;
    }
  | {
      readonly response?: undefined;
      readonly failure: Parameters<typeof httpError>[0];
      /** The registry itself answered so, no redirect's target. */
      readonly isOwn: boolean;
    };
