import type { Socket } from "node:net";
import { isMarkedAsUntransferable } from "node:worker_threads";
import type { Dispatcher } from "undici";
import { RegistryError } from "../errors.ts";
import { showingSocket } from "./connecting.ts";
import type { ResponseHeaders } from "./headers.ts";
import { networkError } from "./network-error.ts";
import type { Operation } from "./operation.ts";
import { longestTimerMs } from "./sleep.ts";

/** Only reads this large are worth giving back by hand; small ones may share the pool of `Buffer` with somebody else. */
const largeReadBytes = 32 * 1024;

/** So many times longer may a registry be silent after an upload's last byte: it has the blob to store. */
const storeFactor = 10;

/** A request as it goes over the wire. */
export interface WireRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array> | undefined;
  readonly operation: Operation;
  /** The longest time without a byte in either direction, in milliseconds. Time the sink or the body takes is not counted. */
  readonly idleTimeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Shown the connection that is made because of this request, if one is; it belongs to others. */
  readonly onSocket?: ((socket: Socket) => void) | undefined;
}

/** What comes before a response's body. */
export interface ResponseHead {
  readonly status: number;
  readonly headers: ResponseHeaders;
}

/** Takes a body's borrowed chunks; `false` means that no more is wanted, and the connection is dropped. */
// biome-ignore lint/suspicious/noConfusingVoidType: a sink that has nothing to say returns nothing
export type BodySink = (chunk: Uint8Array) => void | false | Promise<void | false>;

/**
 * One HTTP exchange: no redirects, no retry, no judgement on the status. `onHead` names who takes the body; while a
 * promise of that sink is open the socket is paused. Resolves when the sink has settled on the last byte. An exchange
 * that breaks hands over what came before it, then rejects.
 * @throws RegistryError `NETWORK`, `TIMEOUT`, `TLS`, `PROTOCOL`; else what `onHead`, the sink or the body threw
 */
export function exchange(
  dispatcher: Dispatcher,
  request: WireRequest,
  onHead: (head: ResponseHead) => BodySink,
): Promise<ResponseHead> {
  return new Promise((resolve, reject) => {
    const handler = new ExchangeHandler(request, onHead, resolve, reject);
    if (!handler.start()) return;
    const { method, url, headers, body } = request;
    const options = {
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method,
      headers,
      body: body === undefined || body instanceof Uint8Array ? (body ?? null) : handler.timed(body),
      reset: false, // undici would close the connection after every HEAD
      headersTimeout: 0, // the handler has its own, finer clock
      bodyTimeout: 0,
    };
    showingSocket(
      (socket) => {
        handler.connecting(socket);
        request.onSocket?.(socket);
      },
      // undici takes any async iterable of bytes as a body; its types know only streams
      () => dispatcher.dispatch(options as unknown as Dispatcher.DispatchOptions, handler),
    );
  });
}

class ExchangeHandler implements Dispatcher.DispatchHandler {
  readonly #request: WireRequest;
  readonly #onHead: (head: ResponseHead) => BodySink;
  readonly #resolve: (head: ResponseHead) => void;
  readonly #reject: (reason: unknown) => void;
  readonly #onAbort = () => this.#fail(this.#request.signal?.reason);
  /** Is being connected for this request, and for no other. */
  #connecting: Socket | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #head: ResponseHead | undefined;
  #sink: BodySink | undefined;
  #idle: NodeJS.Timeout | undefined;
  #settled = false;
  /** A sink's promise is open: later chunks wait here. There are some only when the peer hangs up meanwhile. */
  #busy = false;
  readonly #backlog: Uint8Array[] = [];
  #last: { readonly error?: Error } | undefined;
  /** The memory of the last delivered chunk. */
  #spent: ArrayBuffer | undefined;

  constructor(
    request: WireRequest,
    onHead: (head: ResponseHead) => BodySink,
    resolve: (head: ResponseHead) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#request = request;
    this.#onHead = onHead;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(): boolean {
    const { signal } = this.#request;
    if (signal?.aborted) {
      this.#fail(signal.reason);
      return false;
    }
    signal?.addEventListener("abort", this.#onAbort);
    this.#watch();
    return true;
  }

  /** The request's body; the clock stands still while its source is asked for more. */
  async *timed(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    this.#unwatch();
    try {
      for await (const chunk of body) {
        if (this.#settled) return;
        this.#watch();
        yield chunk;
        if (this.#settled) return; // answered early: what comes next of the body is somebody else's
        this.#unwatch();
      }
    } catch (error) {
      this.#fail(error); // as it is: a file's EPIPE is not the network's
      throw error;
    }
    this.#watch(this.#request.idleTimeoutMs * storeFactor);
  }

  /** A connection is being made: it goes with the request, as long as nothing was sent. */
  connecting(socket: Socket): void {
    if (!this.#settled && !this.#controller) this.#connecting = socket;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    this.#connecting = undefined;
    if (this.#settled) controller.abort(new Error("the request was given up before it was sent"));
  }

  onBodySent(): void {
    this.#idle?.refresh();
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    if (status < 200 || this.#settled) return;
    this.#watch();
    this.#head = { status, headers };
    try {
      this.#sink = this.#onHead(this.#head);
    } catch (error) {
      this.#fail(error);
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Uint8Array): void {
    // the parser reports no bytes at all after a pause; pausing on that again would never end
    if (this.#settled || chunk.byteLength === 0) return;
    this.#idle?.refresh();
    // undici may hand over what it still holds when the peer hangs up, paused or not
    if (this.#busy) this.#backlog.push(chunk);
    else this.#deliver(chunk);
  }

  onResponseEnd(): void {
    this.#end({});
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#end({ error });
  }

  #deliver(chunk: Uint8Array): void {
    this.#release(chunk.buffer);
    let result: ReturnType<BodySink>;
    try {
      result = this.#sink?.(chunk);
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (result === false) this.#enough();
    if (!(result instanceof Promise)) return;
    this.#busy = true;
    this.#controller?.pause();
    this.#unwatch();
    result.then(
      (answer) => this.#resume(answer),
      (error: unknown) => this.#fail(error),
    );
  }

  /**
   * Gives back the memory of the chunk before: its sink has settled, and undici is through with a read when another one
   * comes. Left to the collector, the reads of a fast link pile up to 64 MiB and more before it looks at them.
   */
  #release(next: ArrayBufferLike): void {
    if (this.#spent === next) return;
    this.#spent?.transfer(0);
    const isOwn = next.byteLength >= largeReadBytes && !isMarkedAsUntransferable(next); // the pool is marked so
    this.#spent = isOwn && next instanceof ArrayBuffer ? next : undefined;
  }

  #resume(answer: unknown): void {
    if (this.#settled) return;
    if (answer === false) {
      this.#enough();
      return;
    }
    this.#busy = false;
    for (let next = this.#backlog.shift(); next !== undefined; next = this.#backlog.shift()) {
      this.#deliver(next);
      if (this.#busy || this.#settled) return;
    }
    if (this.#last) {
      this.#end(this.#last);
      return;
    }
    this.#watch();
    this.#controller?.resume();
  }

  #end(last: { readonly error?: Error }): void {
    if (this.#settled) return;
    this.#last = last;
    this.#unwatch();
    if (this.#busy) return; // the sink is still at an earlier chunk
    if (last.error) {
      this.#fail(networkError(last.error, this.#request.operation, this.#request.idleTimeoutMs));
    } else if (this.#head && this.#settle()) {
      this.#resolve(this.#head);
    }
  }

  #enough(): void {
    if (!this.#head || !this.#settle()) return;
    this.#resolve(this.#head);
    this.#controller?.abort(new Error("no more of the body is wanted"));
  }

  #fail(reason: unknown): void {
    if (!this.#settle()) return;
    this.#reject(reason);
    const error = reason instanceof Error ? reason : new Error("aborted");
    this.#controller?.abort(error);
    this.#connecting?.destroy(error);
  }

  #settle(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    this.#unwatch();
    this.#request.signal?.removeEventListener("abort", this.#onAbort);
    return true;
  }

  #watch(idleMs: number = this.#request.idleTimeoutMs): void {
    this.#unwatch();
    if (this.#settled) return;
    this.#idle = setTimeout(
      () => {
        const { operation } = this.#request;
        const message = `cannot ${operation.what}: nothing came from ${operation.registry} for ${idleMs} ms`;
        const { registry, reference } = operation;
        this.#fail(new RegistryError("TIMEOUT", message, { registry, reference, idleMs }));
      },
      Math.min(idleMs, longestTimerMs),
    );
  }

  #unwatch(): void {
    clearTimeout(this.#idle);
    this.#idle = undefined;
  }
}
