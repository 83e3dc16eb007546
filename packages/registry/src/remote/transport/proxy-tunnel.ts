import type { RequestOptions } from "node:http";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type SecureContext } from "node:tls";
import type { buildConnector } from "undici";
import { showSocket } from "../connecting.ts";
import { isTlsCode } from "../network-error.ts";
import { bareHost } from "./private-address.ts";
import { type ProxyAddress, portOf } from "./proxy-address.ts";
import { ProxyError, proxyRefusal } from "./proxy-error.ts";

/** What it takes to reach a proxy. */
export interface ProxyLink {
  readonly proxy: ProxyAddress;
  /** The longest time until the proxy has let us through, in milliseconds. */
  readonly timeoutMs: number;
  /** For TLS with the proxy itself. */
  readonly secureContext: () => SecureContext;
  /** Aborted when the dispatcher is destroyed. */
  readonly closing: AbortSignal;
}

/**
 * Makes connections to https origins inside tunnels: `CONNECT`, then what `endpoint` does over the proxy's socket. Ours
 * in place of undici's `ProxyAgent`, which tells every refusal as an aborted request and a proxy that is not there as a
 * registry that is not, and gives a proxy five minutes to answer `CONNECT`.
 * @see RFC 9110, section 9.3.6 "CONNECT"
 */
export function tunnelConnector(link: ProxyLink, endpoint: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    const host = options.hostname.includes(":") ? `[${bareHost(options.hostname)}]` : options.hostname;
    void openTunnel(link, `${host}:${options.port || 443}`).then(
      (httpSocket) => {
        try {
          endpoint({ ...options, httpSocket }, callback);
        } catch (error) {
          httpSocket.destroy();
          callback(error as Error, null);
        }
      },
      (error: Error) => callback(error, null),
    );
  };
}

async function openTunnel(link: ProxyLink, authority: string): Promise<Socket> {
  const { proxy, timeoutMs, closing } = link;
  const http = await import("node:http"); // slow to load, and most have no proxy
  return new Promise((resolve, reject) => {
    const request = http.request(connectOptions(link, authority));
    const onClosing = () => request.destroy(closing.reason);
    const slow = new ProxyError("PROXY_TIMEOUT", `the proxy ${proxy.name} did not let us through in ${timeoutMs} ms`);
    const clock = setTimeout(() => request.destroy(slow), timeoutMs);
    const settle = () => {
      clearTimeout(clock);
      closing.removeEventListener("abort", onClosing);
    };
    closing.addEventListener("abort", onClosing);
    request.once("connect", ({ statusCode = 0 }, socket: Socket, head) => {
      settle();
      if (statusCode >= 200 && statusCode < 300) {
        if (head.byteLength > 0) socket.unshift(head);
        resolve(socket);
        return;
      }
      socket.on("error", () => {}).destroy();
      reject(proxyRefusal(proxy.name, statusCode));
    });
    request.on("error", (error) => {
      settle();
      reject(closing.aborted ? error : unreachable(proxy, error));
    });
    if (closing.aborted) onClosing();
    request.end();
  });
}

function connectOptions({ proxy, secureContext }: ProxyLink, path: string): RequestOptions {
  const headers = {
    host: path,
    connection: "keep-alive",
    ...(proxy.authorization === undefined ? {} : { "proxy-authorization": proxy.authorization }),
  };
  const [host, port] = [bareHost(proxy.url.hostname), portOf(proxy.url)];
  const connectProxy = (): Socket => {
    if (proxy.url.protocol === "http:") return connectTcp({ host, port });
    const servername = isIP(host) === 0 ? host : ""; // an address is no name to ask for
    return connectTls({ host, port, servername, secureContext: secureContext(), ALPNProtocols: ["http/1.1"] });
  };
  const createConnection = (): Socket => {
    const socket = connectProxy();
    showSocket(socket);
    return socket;
  };
  return { method: "CONNECT", host, port, path, headers, createConnection };
}

/** What went wrong on the way to a proxy, in its name: the registry behind it is not to blame. */
export function unreachable({ name }: ProxyAddress, cause: Error): Error {
  if (cause instanceof ProxyError) return cause;
  const code = "code" in cause && typeof cause.code === "string" ? cause.code : "";
  if (code === "UND_ERR_CONNECT_TIMEOUT" || code === "ETIMEDOUT") {
    return new ProxyError("PROXY_TIMEOUT", `the proxy ${name} could not be reached in time`, { cause });
  }
  if (isTlsCode(code)) {
    return new ProxyError("PROXY_UNTRUSTED", `the certificate of the proxy ${name} is not trusted (${code})`, {
      cause,
    });
  }
  if (code.startsWith("HPE_")) {
    return new ProxyError("PROXY_FAILED", `the proxy ${name} does not answer in HTTP (${code})`, { cause });
  }
  return new ProxyError("PROXY_UNREACHABLE", `the proxy ${name} cannot be reached (${code || cause.message})`, {
    cause,
  });
}
