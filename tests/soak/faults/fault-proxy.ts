import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { ProxiedExchange } from "./proxied-exchange.ts";
import type { ArmedFault, ProxyMemory } from "./wire-fault.ts";

/** Stands between a client and a server on loopback, over real connections, and does wrong as it is told. */
export class FaultProxy implements AsyncDisposable {
  /** Where clients are to go: `127.0.0.1:PORT`. */
  readonly host: string;
  readonly #net: NetServer;
  readonly #http: Server;
  readonly #sockets = new Set<Socket>();
  readonly #open = new Set<IncomingMessage>();
  readonly #fired = new Map<string, number>();
  readonly #memory: ProxyMemory = {
    seenTokens: new Set(),
    expiredTokens: new Set(),
    expiredAtMs: Number.NEGATIVE_INFINITY,
    relocations: 0,
    answered: new Set(),
    pagesForReferrers: 0,
  };
  #armed: { readonly fault: ArmedFault; skip: number; left: number }[] = [];
  #upstream: URL | undefined;
  #requests = 0;
  #onRequest: (count: number) => void = () => {};

  private constructor(net: NetServer, http: Server, host: string) {
    this.#net = net;
    this.#http = http;
    this.host = host;
  }

  /** Listens on a free port; leads nowhere until {@link leadTo} is called. */
  static async start(): Promise<FaultProxy> {
    const http = createHttpServer({ keepAliveTimeout: 60_000, requestTimeout: 0, headersTimeout: 0 });
    const net = createServer({ allowHalfOpen: true });
    net.listen(0, "127.0.0.1");
    await once(net, "listening");
    const address = net.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const proxy = new FaultProxy(net, http, `127.0.0.1:${address.port}`);
    net.on("connection", (socket) => proxy.#connected(socket));
    http.on("request", (request: IncomingMessage, response: ServerResponse) => void proxy.#serve(request, response));
    http.on("clientError", (_error, socket) => socket.destroy());
    return proxy;
  }

  /** The server behind it, such as `127.0.0.1:40123`. */
  leadTo(host: string): void {
    this.#upstream = new URL(`http://${host}`);
  }

  /** Injects these faults, of several for one request the first. What fired before is forgotten. */
  arm(faults: readonly ArmedFault[]): void {
    this.#fired.clear();
    this.#memory.expiredTokens.clear();
    this.#memory.answered.clear();
    this.#memory.pagesForReferrers = 0;
    this.#armed = faults.map((fault) => ({ fault, skip: fault.skip, left: fault.times }));
  }

  /** From now on everything is passed on as it is. */
  disarm(): void {
    this.#armed = [];
    this.#memory.expiredTokens.clear();
  }

  /** How often each fault happened since {@link arm}, by name. */
  fired(): ReadonlyMap<string, number> {
    return this.#fired;
  }

  /** Requests so far. */
  get requests(): number {
    return this.#requests;
  }

  /** Connections that a client holds, open or half of it. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Reads what was left unread: who does not read does not see either that the other end is gone. */
  drain(): void {
    for (const request of this.#open) request.resume();
  }

  /** Is told of each request as it comes, by their number. */
  watch(onRequest: (count: number) => void): void {
    this.#onRequest = onRequest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#net, "close");
    this.#net.close();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #connected(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    socket.on("error", () => {}); // a client that is killed says no goodbye
    const armed = this.#armed.find(({ fault, left }) => left > 0 && fault.kinds.includes("connection"));
    if (armed && armed.skip <= 0) {
      armed.left -= 1;
      this.#note(armed.fault);
      armed.fault.wire.connect?.(socket);
      return;
    }
    if (armed) armed.skip -= 1;
    this.#http.emit("connection", socket);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => {});
    request.on("error", () => {});
    this.#open.add(request);
    response.once("close", () => this.#open.delete(request));
    if (!this.#upstream) {
      request.socket.destroy();
      return;
    }
    this.#requests += 1;
    this.#onRequest(this.#requests);
    const path = (request.url ?? "/").replace(/^\/moved-[0-9]+\//, "/");
    const exchange = new ProxiedExchange(request, response, this.#upstream, path);
    const { authorization } = request.headers;
    if (authorization?.startsWith("Bearer ")) this.#memory.seenTokens.add(authorization);
    const armed = this.#armed.find((one) => one.left > 0 && one.fault.kinds.includes(exchange.kind));
    if (armed && armed.skip > 0) armed.skip -= 1;
    else if (armed && (armed.fault.wire.applies?.(exchange, this.#memory) ?? true)) {
      armed.left -= 1;
      let hasFired = false;
      const fire = () => {
        hasFired = true;
        this.#note(armed.fault);
      };
      const { wire, at } = armed.fault;
      await wire.inject?.({ exchange, at, memory: this.#memory, fire });
      if (!hasFired) armed.left += 1;
      return;
    }
    await this.#pass(exchange);
  }

  async #pass(exchange: ProxiedExchange): Promise<void> {
    const { authorization } = exchange.request.headers;
    const isExpired = authorization !== undefined && this.#memory.expiredTokens.has(authorization);
    const answer = await exchange.forward(isExpired ? { without: ["authorization"] } : {});
    if (answer && answer.status < 300) this.#memory.answered.add(exchange.kind);
    if (answer) exchange.answer(answer);
    else exchange.reset();
  }

  #note({ wire: { name } }: ArmedFault): void {
    this.#fired.set(name, (this.#fired.get(name) ?? 0) + 1);
  }
}
