import { buildConnector, type Dispatcher, Pool } from "undici";
import type { ProxyAddress } from "./proxy-address.ts";
import { proxyRefusal } from "./proxy-error.ts";
import { type ProxyLink, unreachable } from "./proxy-tunnel.ts";

/** Connections that all lead to one origin, and how a request is put on one. */
export interface Route {
  readonly pool: Pool;
  readonly dispatch: Dispatcher.Dispatch;
}

/**
 * A route to an http origin: its requests go to the proxy, with the whole URL in the request line.
 * @see RFC 9112, section 3.2.2 "absolute-form"
 */
export function forwardRoute(link: ProxyLink, origin: URL, connections: number): Route {
  const { proxy, timeoutMs, secureContext } = link;
  let connector: buildConnector.connector | undefined;
  const connect: buildConnector.connector = (options, callback) => {
    const tls = proxy.url.protocol === "https:" ? { secureContext: secureContext() } : {};
    connector ??= buildConnector({ ...tls, allowH2: false, timeout: timeoutMs });
    // undici takes the name for TLS from the Host header, which is the origin's
    connector({ ...options, servername: "" }, (...[error, socket]) => {
      if (error) callback(unreachable(proxy, error), null);
      else callback(null, socket);
    });
  };
  const pool = new Pool(proxy.url, { connections, allowH2: false, connect });
  return {
    pool,
    dispatch: (options, handler) => {
      const headers = {
        host: origin.host,
        ...(options.headers as Readonly<Record<string, string>>), // all that our exchange makes
        ...(proxy.authorization === undefined ? {} : { "proxy-authorization": proxy.authorization }),
      };
      const path = `${origin.origin}${options.path}`;
      return pool.dispatch({ ...options, origin: proxy.url.origin, path, headers }, new ProxyWatch(handler, proxy));
    },
  };
}

/** Passes an exchange on, but for 407: that is the proxy's word, not the registry's. */
class ProxyWatch implements Dispatcher.DispatchHandler {
  readonly #handler: Dispatcher.DispatchHandler;
  readonly #proxy: ProxyAddress;

  constructor(handler: Dispatcher.DispatchHandler, proxy: ProxyAddress) {
    this.#handler = handler;
    this.#proxy = proxy;
  }

  onRequestStart(...args: Parameters<Required<Dispatcher.DispatchHandler>["onRequestStart"]>): void {
    this.#handler.onRequestStart?.(...args);
  }

  onBodySent(chunk: Buffer): void {
    (this.#handler as { onBodySent?(chunk: Buffer): void }).onBodySent?.(chunk); // undici calls it, its types do not know
  }

  onResponseStart(...args: Parameters<Required<Dispatcher.DispatchHandler>["onResponseStart"]>): void {
    const [controller, status] = args;
    if (status === 407) controller.abort(proxyRefusal(this.#proxy.name, status));
    else this.#handler.onResponseStart?.(...args);
  }

  onResponseData(...args: Parameters<Required<Dispatcher.DispatchHandler>["onResponseData"]>): void {
    this.#handler.onResponseData?.(...args);
  }

  onResponseEnd(...args: Parameters<Required<Dispatcher.DispatchHandler>["onResponseEnd"]>): void {
    this.#handler.onResponseEnd?.(...args);
  }

  onResponseError(...args: Parameters<Required<Dispatcher.DispatchHandler>["onResponseError"]>): void {
    this.#handler.onResponseError?.(...args);
  }
}
