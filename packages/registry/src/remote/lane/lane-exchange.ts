import { errors } from "undici";
import { RegistryError } from "../../errors.ts";
import type { BodySink, ResponseHead, WireRequest } from "../exchange.ts";
import { networkError } from "../network-error.ts";
import { longestTimerMs } from "../sleep.ts";
import type { LanePool } from "./lane-pool.ts";
import type { LaneSocket, SocketUser } from "./lane-socket.ts";
import { readPlainHead } from "./response-head.ts";

/** A longer head is for another reader to judge. */
const maxHeadBytes = 16 * 1024;

/** What may stand in a request line and in a header's value. */
const plainText = /^[\t\x20-\x7e\x80-\xff]*$/;

const protocol = "HTTP/1.1 ";

/** A GET as lanes send it: no body. */
export type LaneRequest = Omit<WireRequest, "body" | "onSocket">;

/**
 * One GET over a connection whose reads go into reused buffers: the same contract as `exchange` has. `undefined` when the
 * answer is none that lanes read; nobody was told of it then, and it can be asked for again in another way.
 * @throws RegistryError `NETWORK`, `TIMEOUT`, `TLS`; else what `onHead` or the sink threw
 */
export async function exchangeOnLane(
  pool: LanePool,
  request: LaneRequest,
  onHead: (head: ResponseHead) => BodySink,
): Promise<ResponseHead | undefined> {
  const text = requestText(request);
  if (text === undefined) return undefined;
  const socket = await connect(pool, request);
  try {
    const { head, keepAliveMs, keepsAlive } = await new LaneExchange(socket, request, onHead).run(text);
    if (keepsAlive) pool.give(socket, keepAliveMs);
    else pool.drop(socket);
    return head;
  } catch (error) {
    pool.drop(socket);
    if (error instanceof UnusualAnswer) {
      pool.isUnusual = true;
      return undefined;
    }
    if (!(error instanceof ConnectionEnded)) throw error;
    throw networkError(error.cause, request.operation, request.idleTimeoutMs);
  }
}

async function connect(pool: LanePool, request: LaneRequest): Promise<LaneSocket> {
  const { operation, idleTimeoutMs, signal } = request;
  try {
    return await pool.take(signal);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw networkError(error, operation, idleTimeoutMs);
  }
}

function requestText({ method, url, headers }: LaneRequest): string | undefined {
  const lines = [`${method} ${url.pathname}${url.search} HTTP/1.1`, `host: ${url.host}`, "connection: keep-alive"];
  for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
  return lines.every((line) => plainText.test(line)) ? `${lines.join("\r\n")}\r\n\r\n` : undefined;
}

/** Whether an answer that begins so may be one of ours. */
function isHttp(text: string): boolean {
  return text.startsWith(protocol) || protocol.startsWith(text);
}

/** The answer is none that this lane reads. */
class UnusualAnswer extends Error {}

/** The connection ended before the answer did. */
class ConnectionEnded extends Error {}

interface Finished {
  readonly head: ResponseHead;
  readonly keepsAlive: boolean;
  readonly keepAliveMs?: number | undefined;
}

/** One request and its answer on one connection. */
class LaneExchange implements SocketUser {
  readonly #socket: LaneSocket;
  readonly #request: LaneRequest;
  readonly #onHead: (head: ResponseHead) => BodySink;
  readonly #done: PromiseWithResolvers<Finished> = Promise.withResolvers();
  readonly #onAbort = () => this.#fail(this.#request.signal?.reason);
  #headText = "";
  #head: ResponseHead | undefined;
  #sink: BodySink | undefined;
  #missingBytes = 0;
  #keepsAlive = false;
  #keepAliveMs: number | undefined;
  #isSettled = false;
  #idle: NodeJS.Timeout | undefined;

  constructor(socket: LaneSocket, request: LaneRequest, onHead: (head: ResponseHead) => BodySink) {
    this.#socket = socket;
    this.#request = request;
    this.#onHead = onHead;
  }

  run(text: string): Promise<Finished> {
    const { signal } = this.#request;
    if (signal?.aborted) this.#fail(signal.reason);
    else {
      signal?.addEventListener("abort", this.#onAbort);
      this.#watch();
      this.#socket.use(this);
      this.#socket.socket.write(text, "latin1");
    }
    return this.#done.promise;
  }

  onBytes(bytes: Buffer): void | Promise<void> {
    if (this.#isSettled) return;
    this.#idle?.refresh();
    try {
      const body = this.#head ? bytes : this.#readHead(bytes);
      if (body === undefined) return;
      return this.#takeBody(body);
    } catch (error) {
      this.#fail(error);
    }
  }

  onEnd(error?: Error): void {
    if (!error && this.#missingBytes === Number.POSITIVE_INFINITY) {
      this.#enough(); // the end of the connection is the end of the body
      return;
    }
    if (!error && !this.#head && this.#headText !== "") {
      this.#fail(new UnusualAnswer()); // whether that was HTTP, the other reader tells
      return;
    }
    const cause = error ?? new errors.SocketError("other side closed");
    this.#fail(new ConnectionEnded("the connection ended", { cause }));
  }

  /** The body's first bytes, once the head is whole. */
  #readHead(bytes: Buffer): Buffer | undefined {
    // what lies before these bytes may hold the beginning of the empty line
    const before = this.#headText.length;
    this.#headText += bytes.toString("latin1", 0, Math.min(bytes.byteLength, maxHeadBytes + 4 - before));
    const end = this.#headText.indexOf("\r\n\r\n", Math.max(0, before - 3));
    if (!isHttp(this.#headText)) throw new UnusualAnswer();
    if (end < 0) {
      if (this.#headText.length > maxHeadBytes) throw new UnusualAnswer();
      return undefined;
    }
    const head = readPlainHead(this.#headText.slice(0, end));
    if (head === undefined) throw new UnusualAnswer();
    const rest = bytes.subarray(end + 4 - before);
    if (head === "interim") {
      this.#headText = "";
      return rest.byteLength > 0 ? this.#readHead(rest) : undefined;
    }
    const { status, headers } = head;
    this.#missingBytes = head.bodyBytes ?? Number.POSITIVE_INFINITY;
    this.#keepsAlive = head.keepsAlive;
    this.#keepAliveMs = head.keepAliveMs;
    this.#head = { status, headers };
    this.#sink = this.#onHead(this.#head);
    return rest;
  }

  #takeBody(bytes: Buffer): void | Promise<void> {
    const own = bytes.byteLength > this.#missingBytes ? bytes.subarray(0, this.#missingBytes) : bytes;
    if (own !== bytes) this.#keepsAlive = false; // it sends more than it said
    this.#missingBytes -= own.byteLength;
    if (own.byteLength === 0) return this.#finishIfWhole();
    const taken = this.#sink?.(own);
    if (taken === false) return this.#enough();
    if (!(taken instanceof Promise)) return this.#finishIfWhole();
    this.#unwatch();
    return taken.then(
      (answer) => {
        if (this.#isSettled) return;
        if (answer === false) this.#enough();
        else if (this.#missingBytes > 0) this.#watch();
        else this.#finishIfWhole();
      },
      (error: unknown) => this.#fail(error),
    );
  }

  #finishIfWhole(): void {
    if (this.#missingBytes > 0 || !this.#head || !this.#settle()) return;
    this.#done.resolve({ head: this.#head, keepsAlive: this.#keepsAlive, keepAliveMs: this.#keepAliveMs });
  }

  #enough(): void {
    if (!this.#head || !this.#settle()) return;
    this.#done.resolve({ head: this.#head, keepsAlive: false });
  }

  #fail(reason: unknown): void {
    if (this.#settle()) this.#done.reject(reason);
  }

  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#unwatch();
    this.#request.signal?.removeEventListener("abort", this.#onAbort);
    return true;
  }

  #watch(): void {
    this.#unwatch();
    const { idleTimeoutMs, operation } = this.#request;
    this.#idle = setTimeout(
      () => {
        const { registry, reference, what } = operation;
        const message = `cannot ${what}: nothing came from ${registry} for ${idleTimeoutMs} ms`;
        this.#fail(new RegistryError("TIMEOUT", message, { registry, reference, idleMs: idleTimeoutMs }));
      },
      Math.min(idleTimeoutMs, longestTimerMs),
    );
  }

  #unwatch(): void {
    clearTimeout(this.#idle);
    this.#idle = undefined;
  }
}
