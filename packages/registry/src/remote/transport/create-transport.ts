import { isIP } from "node:net";
import type { ConnectionOptions } from "node:tls";
import { buildConnector, Dispatcher, Pool } from "undici";
import { shownConnector } from "../connecting.ts";
import { LanePool } from "../lane/lane-pool.ts";
import {
  chooseOptions,
  type HostOptions,
  insecureOption,
  type OptionsChoice,
  type TransportOptions,
} from "./host-options.ts";
import { bareHost, isLoopbackHost } from "./private-address.ts";
import {
  type Environment,
  type ProxyAddress,
  type ProxyChoice,
  parseProxy,
  portOf,
  proxyFromEnvironment,
} from "./proxy-address.ts";
import { forwardRoute, type Route } from "./proxy-forward.ts";
import { tunnelConnector } from "./proxy-tunnel.ts";
import { checkCertificates, Trust } from "./trust.ts";

/** What {@link createTransport} is told. */
export interface TransportParts {
  /** Of the registry itself. @defaultValue no host is ours, and the options hold for all alike */
  readonly origin?: URL | undefined;
  readonly options: TransportOptions;
  /** Options by host: keys are `host` or `host:port`. */
  readonly hosts?: HostOptions | undefined;
  /** To one origin, at most. */
  readonly connections: number;
  /** The longest time until a connection stands, in milliseconds; of a tunnel, until the proxy has opened it. */
  readonly connectTimeoutMs: number;
  /** Where the proxies are looked up. @defaultValue `process.env` */
  readonly env?: Environment | undefined;
}

/** Origins with connections of their own; a registry's storage and token servers are a few. */
const maxOrigins = 64;

/**
 * Where a registry is: `https:`, unless plain HTTP is allowed with it.
 * @throws RegistryError `INVALID_REFERENCE` when a key of `hosts` is no host
 */
export function originOf(host: string, options: TransportOptions = {}, hosts?: HostOptions): URL {
  const { hostname } = new URL(`http://${host}`);
  const isInsecure = insecureOption(host, options, hosts) ?? isLoopbackHost(hostname);
  return new URL(`${isInsecure ? "http" : "https"}://${host}`);
}

/**
 * One dispatcher for a registry's origin and every other its redirects and token servers are at, each with the options
 * that fit it. Nothing is connected, and no certificate store read, before the first request.
 * @throws RegistryError `TLS` for certificates or keys that cannot be read, `UNSUPPORTED` for a proxy that is none,
 *   `INVALID_REFERENCE` for a key of `hosts` that is no host
 */
export function createTransport(parts: TransportParts): Transport {
  const { origin, options, hosts = {} } = parts;
  const named = [[origin?.host ?? "any host", options] as const, ...Object.entries(hosts)];
  for (const [host, told] of named) {
    checkCertificates(told, host);
    if (typeof told.proxy === "string") parseProxy(told.proxy, host);
  }
  return new Transport(parts);
}

/** What {@link createTransport} gives: a dispatcher, and the lanes to origins that are reached without a proxy. */
export class Transport extends Dispatcher {
  readonly #parts: TransportParts;
  readonly #optionsOf: OptionsChoice;
  readonly #environment: ProxyChoice;
  readonly #trust = new Trust();
  /** A proxy that speaks TLS is always verified: it may get our credentials for it. */
  readonly #towardsProxies: TransportOptions;
  readonly #closing = new AbortController();
  /** By origin; the one used longest ago comes first. */
  readonly #routes = new Map<string, Route>();
  readonly #lanes = new Map<string, LanePool>();
  /** Given up, with requests still under way. */
  readonly #leaving = new Set<Pool>();
  #isClosed = false;

  /** @internal */
  constructor(parts: TransportParts) {
    super();
    this.#parts = parts;
    this.#optionsOf = chooseOptions(parts);
    this.#towardsProxies = { ca: parts.options.ca };
    this.#environment = proxyFromEnvironment(parts.env ?? process.env);
  }

  override dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    try {
      return this.#routeTo(String(options.origin)).dispatch(options, handler);
    } catch (error) {
      // as undici does: nobody waits for what is thrown here
      handler.onResponseError?.(null as unknown as Dispatcher.DispatchController, error as Error);
      return false;
    }
  }

  /** The lane to an origin; `undefined` where requests go through a proxy, or answers are none that lanes read. */
  laneTo(url: URL): LanePool | undefined {
    if (this.#isClosed) return undefined;
    const known = this.#lanes.get(url.origin);
    if (!known && this.#lanes.size >= maxOrigins) return undefined;
    const lane = known ?? this.#openLane(url);
    if (lane && !known) this.#lanes.set(url.origin, lane);
    return lane?.isUnusual ? undefined : lane;
  }

  override async close(callback?: () => void): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#pools().map((pool) => pool.close()));
    this.#closeLanes(new Error("the registry's connections are closed"));
    callback?.();
  }

  override async destroy(reason?: Error | null | (() => void), callback?: () => void): Promise<void> {
    const error = reason instanceof Error ? reason : null;
    this.#isClosed = true;
    const cause = error ?? new Error("the registry's connections were dropped");
    this.#closing.abort(cause);
    this.#closeLanes(cause);
    await Promise.all(this.#pools().map((pool) => pool.destroy(error)));
    (typeof reason === "function" ? reason : callback)?.();
  }

  #pools(): Pool[] {
    return [...Array.from(this.#routes.values(), ({ pool }) => pool), ...this.#leaving];
  }

  #routeTo(origin: string): Route {
    if (this.#isClosed) throw this.#closing.signal.reason ?? new Error("the registry's connections are closed");
    const known = this.#routes.get(origin);
    const route = known ?? this.#openRoute(new URL(origin));
    this.#routes.delete(origin);
    this.#routes.set(origin, route);
    if (!known) this.#makeRoom();
    return route;
  }

  /** A registry whose redirects lead to ever new hosts does not collect our sockets. */
  #makeRoom(): void {
    for (const [origin, { pool }] of this.#routes) {
      if (this.#routes.size <= maxOrigins) return;
      this.#routes.delete(origin);
      this.#leaving.add(pool);
      const forget = () => this.#leaving.delete(pool);
      pool.close().then(forget, forget); // what it still does, it finishes
    }
  }

  #openRoute(origin: URL): Route {
    const { connections, connectTimeoutMs } = this.#parts;
    const options = this.#optionsOf(origin);
    const proxy = this.#proxyTo(origin, options);
    const link = proxy && {
      proxy,
      timeoutMs: connectTimeoutMs,
      secureContext: () => this.#trust.contextOf(this.#towardsProxies),
      closing: this.#closing.signal,
    };
    if (link && origin.protocol === "http:") return forwardRoute(link, origin, connections);
    const endpoint = this.#connector(options);
    const connect = link ? tunnelConnector(link, endpoint) : endpoint;
    // no HTTP/2: a slot of the gate is a connection, and streams of one would share a window
    const pool = new Pool(origin, { connections, allowH2: false, connect });
    return { pool, dispatch: (request, handler) => pool.dispatch(request, handler) };
  }

  #openLane(url: URL): LanePool | undefined {
    const origin = new URL(url.origin);
    const options = this.#optionsOf(origin);
    if (this.#proxyTo(origin, options)) return undefined;
    const host = bareHost(origin.hostname);
    const common = { host, port: portOf(origin), timeoutMs: this.#parts.connectTimeoutMs };
    if (origin.protocol !== "https:") return new LanePool(common);
    let session: Buffer | undefined;
    const tls = (): ConnectionOptions => ({
      secureContext: this.#trust.contextOf(options),
      rejectUnauthorized: options.tlsSkipVerify !== true,
      ALPNProtocols: ["http/1.1"],
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(session ? { session } : {}),
    });
    const keepSession = (made: Buffer) => {
      session = made;
    };
    return new LanePool({ ...common, tls, keepSession });
  }

  #closeLanes(error: Error): void {
    for (const lane of this.#lanes.values()) lane.close(error);
    this.#lanes.clear();
  }

  #proxyTo(origin: URL, { proxy }: TransportOptions): ProxyAddress | undefined {
    if (proxy === undefined) return this.#environment(origin);
    return proxy === false ? undefined : parseProxy(proxy, origin.host);
  }

  /** Undici's own connector, made once and with a context that is made at the first TLS connection. */
  #connector(options: TransportOptions): buildConnector.connector {
    let plain: buildConnector.connector | undefined;
    let secure: buildConnector.connector | undefined;
    const common = { allowH2: false, timeout: this.#parts.connectTimeoutMs };
    return (target, callback) => {
      if (target.protocol !== "https:") {
        plain ??= shownConnector(buildConnector(common));
        plain(target, callback);
        return;
      }
      secure ??= shownConnector(
        buildConnector({
          ...common,
          secureContext: this.#trust.contextOf(options),
          rejectUnauthorized: options.tlsSkipVerify !== true,
        }),
      );
      secure(target, callback);
    };
  }
}
