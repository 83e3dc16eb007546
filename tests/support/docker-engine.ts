import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import { setImmediate } from "node:timers/promises";
import type { KeyPair } from "./certificates.ts";

/** What an engine says and does; every part may be changed while it runs. */
export interface EngineState {
  /** What it has, by the names it is asked for. */
  readonly images: Map<string, object>;
  /** What a pull says, one after the other; text is sent as it is. */
  events: readonly (object | string)[];
  /** Bytes of an answer that are sent at a time. */
  cut: number;
  /** What a pull brings, unless an event tells of an error. */
  pulled: object;
  archive: Uint8Array;
  /** Answers everything with this. */
  refusal?: { readonly status: number; readonly message: string } | undefined;
  /** Says no more after so many bytes of an archive, and does not end. */
  silentAfter?: number | undefined;
  /** Breaks the connection after so many bytes of an archive. */
  brokenAfter?: number | undefined;
}

/** A server that speaks as much of Docker's engine interface as finding, pulling, saving and removing images takes. */
export class DockerEngineServer implements AsyncDisposable {
  readonly requests: { readonly line: string; readonly headers: IncomingMessage["headers"] }[] = [];
  readonly state: EngineState;
  readonly #server: ReturnType<typeof createServer>;

  constructor(state: Partial<EngineState>, tls?: KeyPair) {
    this.state = {
      images: new Map(),
      events: [],
      cut: Number.POSITIVE_INFINITY,
      pulled: {},
      archive: Buffer.of(),
      ...state,
    };
    const serve: RequestListener = (request, response) => {
      this.requests.push({ line: `${request.method} ${request.url}`, headers: request.headers });
      void this.#answer(request, response);
    };
    this.#server = tls === undefined ? createServer(serve) : createSecureServer(tls, serve);
  }

  get lines(): readonly string[] {
    return this.requests.map(({ line }) => line);
  }

  /** Listens on a socket file. */
  async listenAt(path: string): Promise<this> {
    await once(this.#server.listen(path), "listening");
    return this;
  }

  /** Listens on this machine's own address; gives the port. */
  async listen(): Promise<number> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { refusal, images } = this.state;
    if (refusal !== undefined) return fail(response, refusal.status, refusal.message);
    const url = new URL(request.url ?? "", "http://docker");
    const [, of, escaped = "", what] = url.pathname.split("/");
    const name = decodeURIComponent(escaped);
    if (of !== "images") return fail(response, 404, "page not found");
    if (request.method === "POST" && name === "create") return await this.#pull(url.searchParams, response);
    const image = images.get(name);
    if (image === undefined) return fail(response, 404, `No such image: ${name}`);
    if (request.method === "DELETE") {
      images.delete(name);
      return void response.end("[]");
    }
    if (what === "get") return await this.#save(response);
    await this.#send(response, Buffer.from(JSON.stringify(image)));
    response.end();
  }

  async #pull(asked: URLSearchParams, response: ServerResponse): Promise<void> {
    const { events, images, pulled } = this.state;
    const texts = events.map((event) => (typeof event === "string" ? event : `${JSON.stringify(event)}\r\n`));
    await this.#send(response, Buffer.from(texts.join("")));
    const [name, tag] = [asked.get("fromImage"), asked.get("tag") ?? ""];
    const reference = `${name}${tag.includes(":") ? "@" : ":"}${tag}`;
    if (!texts.some((text) => text.includes('"error"'))) {
      images.set(reference, pulled);
      if (tag === "latest") images.set(name ?? "", pulled);
    }
    response.end();
  }

  async #save(response: ServerResponse): Promise<void> {
    const { archive, silentAfter, brokenAfter } = this.state;
    await this.#send(response, archive.subarray(0, silentAfter ?? brokenAfter));
    if (brokenAfter !== undefined) response.destroy();
    else if (silentAfter === undefined) response.end();
  }

  async #send(response: ServerResponse, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.byteLength; at += this.state.cut) {
      response.write(bytes.subarray(at, at + this.state.cut));
      if (this.state.cut < bytes.byteLength) await setImmediate();
    }
  }
}

function fail(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ message }));
}
