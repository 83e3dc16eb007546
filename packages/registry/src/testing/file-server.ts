import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { socketsOf } from "../server/close-server.ts";
import { Exchange } from "../server/exchange.ts";
import { Recorder } from "../server/request-record.ts";
import { ConnectionCut } from "../server/served-request.ts";
import type { ServerTls } from "../server/server-options.ts";
import { createServer, hostOf } from "../server/start-server.ts";
import type { Fault } from "./fault.ts";
import { FaultQueue, type RequestMatch } from "./fault-queue.ts";
import { type FileRequest, FileTraffic } from "./file-traffic.ts";
import { ServedFile, type ServedFileOptions } from "./served-file.ts";

/** Options of {@link startFileServer}. */
export interface FileServerOptions {
  /** Speaks HTTPS. @defaultValue plain HTTP */
  readonly tls?: ServerTls | undefined;
}

/** Options of a file server's `fail`. */
export interface FailFileOptions {
  /** How many requests it happens to. @defaultValue all from now on */
  readonly times?: number | undefined;
  /** A file's path, or what a test registry's `fail` takes. @defaultValue every request */
  readonly match?: string | RequestMatch | undefined;
}

/**
 * A web server with files in memory: it knows ranges, versions and redirects, keeps a log of requests, and does wrong on
 * demand. A file is found by its path alone, whatever the query says. What it is told holds from the next request on.
 */
export class FileServer implements AsyncDisposable {
  /** Address and port, such as `127.0.0.1:40123`. */
  readonly host: string;
  /** `http://`, or `https://` with certificates, and {@link host}. */
  readonly origin: string;
  readonly #server: Server;
  readonly #sockets: ReadonlySet<Socket>;
  readonly #recorder = new Recorder();
  readonly #traffic = new FileTraffic();
  readonly #faults = new FaultQueue();
  readonly #files = new Map<string, ServedFile>();
  readonly #redirects = new Map<string, { readonly to: string; readonly status: number }>();

  /** Use {@link startFileServer}. */
  constructor(server: Server, scheme: "http" | "https") {
    this.#server = server;
    this.#sockets = socketsOf(server);
    this.host = hostOf(server);
    this.origin = `${scheme}://${this.host}`;
    server.on("request", (request, response) => void this.#serve(request, response));
  }

  /** The address of a path. */
  url(path: string): string {
    return new URL(path, this.origin).href;
  }

  /** Puts a file there, in place of what was there; gives its address. */
  put(path: string, content: Uint8Array | string, options: ServedFileOptions = {}): string {
    this.remove(path);
    this.#files.set(this.#keyOf(path), new ServedFile(content, options));
    return this.url(path);
  }

  /** Leads from a path to an address, or to another path of this server; gives the address it leads from. */
  redirect(from: string, to: string, status = 302): string {
    this.remove(from);
    this.#redirects.set(this.#keyOf(from), { to, status });
    return this.url(from);
  }

  /** Takes a file or a redirect away. */
  remove(path: string): void {
    this.#files.delete(this.#keyOf(path));
    this.#redirects.delete(this.#keyOf(path));
  }

  /** The requests so far, in the order they arrived. */
  requests(): readonly FileRequest[] {
    return this.#traffic.requests();
  }

  /** Bytes of all answers' bodies so far. */
  bytesSent(): number {
    return this.requests().reduce((total, { bytesSent }) => total + bytesSent, 0);
  }

  /** How many requests for paths that begin so were being answered at once, at most. */
  mostOpen(prefix = "/"): number {
    return this.#traffic.mostOpen(prefix);
  }

  /** How many connections stand. */
  connections(): number {
    return this.#sockets.size;
  }

  /**
   * Answers nobody who asks for paths that begin so, before `count` requests for them are there at once; then it answers
   * them all, and the next ones as ever. Whoever never sends so many waits until {@link reset}, or until the server ends.
   */
  holdUntil(count: number, prefix = "/"): void {
    this.#traffic.holdUntil(count, prefix);
  }

  /** Makes the next request go wrong that `match` accepts: a file's path, or what a test registry takes. */
  failOnce(fault: Fault, match?: FailFileOptions["match"]): void {
    this.fail(fault, { times: 1, match });
  }

  /** Makes requests go wrong. Of several faults for one request, the one injected first happens. */
  fail(fault: Fault, { times, match = () => true }: FailFileOptions = {}): void {
    const path = typeof match === "string" ? this.#keyOf(match) : undefined;
    this.#faults.add(fault, { times, match: typeof match === "string" ? (request) => request.path === path : match });
  }

  /** Forgets log, marks, holds and faults; the files stay. */
  reset(): void {
    this.#traffic.reset();
    this.#faults.clear();
  }

  /** Stops the server, and breaks off what it is at. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#traffic.reset();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #keyOf(path: string): string {
    return new URL(path, this.origin).pathname;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const exchange = new Exchange(request, response, this.#recorder);
    this.#traffic.enter(exchange, request);
    try {
      const { head, ...rest } = this.#faults.take(exchange.record) ?? {};
      exchange.interception = {
        ...rest,
        head: (given) => {
          const own = { ...given, headers: { ...given.headers, "docker-distribution-api-version": undefined } };
          return head?.(own) ?? own;
        },
      };
      await this.#traffic.admit(exchange);
      await rest.before?.(exchange.signal);
      await this.#answer(exchange);
    } catch (error) {
      if (!(error instanceof ConnectionCut)) {
        exchange.record.failure = error instanceof Error ? error.message : String(error);
      }
      exchange.destroy();
    } finally {
      exchange.drain();
    }
  }

  async #answer(exchange: Exchange): Promise<void> {
    const { answer, unauthorized } = exchange.interception;
    if (answer) return await exchange.send(answer.status, answer.headers ?? {}, new TextEncoder().encode(answer.body));
    const { method, path } = exchange.record;
    const refuse = (status: number, text: string, headers = {}) =>
      exchange.send(status, { "content-type": "text/plain", ...headers }, new TextEncoder().encode(`${text}\n`));
    const redirect = this.#redirects.get(path);
    if (redirect) return await refuse(redirect.status, "elsewhere", { location: redirect.to });
    const file = this.#files.get(path);
    if (!file) return await refuse(404, "no such file");
    if (method !== "GET" && method !== "HEAD") return await refuse(405, "not here", { allow: "GET, HEAD" });
    if (unauthorized || !file.admits(exchange)) {
      return await refuse(401, "who asks?", { "www-authenticate": 'Basic realm="files"' });
    }
    await file.answer(exchange);
  }
}

/** Starts a file server for one test, on a free port of 127.0.0.1. Hold it with `await using`. */
export async function startFileServer({ tls }: FileServerOptions = {}): Promise<FileServer> {
  const server = createServer(tls);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return new FileServer(server, tls ? "https" : "http");
}
