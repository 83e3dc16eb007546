import { type ClientRequest, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { type RequestKind, requestKind } from "./request-kind.ts";

/** An answer of the server behind the proxy, whole. */
export interface ProxiedAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** How a request is passed on. */
export interface ForwardOptions {
  /** Names of headers, in lower case, that are left out. */
  readonly without?: readonly string[];
  /** Changes the request's body chunk by chunk; what it returns is sent on, `undefined` ends the exchange there. */
  readonly body?: (chunk: Buffer, position: number) => Uint8Array | undefined;
}

/** Long enough for bytes that were written to be read at the other end, in milliseconds: a reset overtakes what is on its way. */
const settleMs = 5;

/** One request that came through the proxy: it can be passed on, answered otherwise, or be broken off. */
export class ProxiedExchange {
  readonly request: IncomingMessage;
  readonly kind: RequestKind;
  readonly #response: ServerResponse;
  readonly #upstream: URL;
  readonly #gone = new AbortController();

  constructor(request: IncomingMessage, response: ServerResponse, upstream: URL, path: string) {
    this.request = request;
    this.#response = response;
    this.#upstream = new URL(path, upstream);
    this.kind = requestKind(request.method ?? "", path);
    response.once("close", () => this.#gone.abort());
  }

  get socket(): Socket {
    return this.request.socket;
  }

  get isHead(): boolean {
    return this.request.method === "HEAD";
  }

  /** Aborted when the client is gone, or has its answer. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Bytes of the request's body, as it says; 0 when it does not. */
  get bodyBytes(): number {
    return Number(this.request.headers["content-length"] ?? 0);
  }

  /** Sends the request on and reads the answer; `undefined` when there is none. */
  async forward(options: ForwardOptions = {}): Promise<ProxiedAnswer | undefined> {
    const upstream = this.#send(options);
    const abort = () => upstream.destroy();
    this.gone.addEventListener("abort", abort, { once: true });
    try {
      const answer = await new Promise<IncomingMessage>((resolve, reject) => {
        upstream
          .once("response", resolve)
          .once("error", reject)
          .once("close", () => reject(new Error("broken off")));
      });
      const body = await buffer(answer);
      return { status: answer.statusCode ?? 502, headers: joined(answer), body };
    } catch {
      return undefined; // the client is gone, or the server broke it off: the client is told nothing else than that
    } finally {
      this.gone.removeEventListener("abort", abort);
    }
  }

  /** Gives the client an answer. */
  answer({ status, headers, body }: ProxiedAnswer): void {
    if (this.gone.aborted) return;
    const { "transfer-encoding": _coding, connection: _connection, ...kept } = headers;
    this.#response.writeHead(status, kept).end(this.isHead ? undefined : body);
    this.request.resume(); // what is left of its body is taken and thrown away
  }

  /** Gives it in `pieces` with pauses between them. */
  async drip({ status, headers, body }: ProxiedAnswer, pieces: number, pauseMs: number): Promise<void> {
    const { "transfer-encoding": _coding, connection: _connection, ...kept } = headers;
    this.#response.writeHead(status, kept);
    const each = Math.max(1, Math.ceil(body.byteLength / pieces));
    for (let at = 0; at < body.byteLength && !this.gone.aborted; at += each) {
      await this.#pause(pauseMs);
      if (!this.gone.aborted) this.#response.write(body.subarray(at, at + each));
    }
    if (!this.gone.aborted) this.#response.end();
  }

  /** Writes a part of an answer as it would go over the wire, past everything that would keep it in order. */
  async raw(text: string, body: Uint8Array = new Uint8Array()): Promise<void> {
    if (this.socket.destroyed) return;
    this.socket.write(Buffer.concat([Buffer.from(text, "latin1"), body]));
    await delay(settleMs);
  }

  /** The head of an answer as it goes over the wire. */
  headOf({ status, headers }: Pick<ProxiedAnswer, "status" | "headers">): string {
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    return `HTTP/1.1 ${status} Injected\r\n${lines.join("")}\r\n`;
  }

  /** Breaks the connection with a reset. */
  reset(): void {
    if (!this.socket.destroyed) this.socket.resetAndDestroy();
  }

  /** Ends the connection as if all had been said. */
  finish(): void {
    this.socket.end();
    setTimeout(() => this.socket.destroy(), 1000).unref(); // a client that does not let go has been told
  }

  /** Does nothing more until the client gives up. */
  async silence(): Promise<void> {
    if (!this.socket.destroyed) await new Promise((resolve) => this.socket.once("close", resolve));
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.gone }).catch(() => {});
  }

  #send({ without = [], body }: ForwardOptions): ClientRequest {
    const headers = { ...this.request.headers };
    for (const name of [...without, "connection"]) delete headers[name];
    const upstream = httpRequest(this.#upstream, { method: this.request.method, headers, agent: false });
    upstream.on("error", () => {}); // told by forward(); later ones are of no interest
    if (!body) {
      this.request.pipe(upstream);
      return upstream;
    }
    let position = 0;
    this.request.on("data", (chunk: Buffer) => {
      const changed = body(chunk, position);
      position += chunk.byteLength;
      if (changed) upstream.write(changed);
      else upstream.destroy();
    });
    this.request.on("end", () => upstream.end());
    return upstream;
  }
}

function joined(answer: IncomingMessage): Record<string, string> {
  return Object.fromEntries(
    Object.entries(answer.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : `${value}`]),
  );
}
