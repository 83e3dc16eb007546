import { once } from "node:events";
import { createServer as createHttpServer, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Registry, RegistryReader } from "../registry.ts";
import { type CloseOptions, closerOf } from "./close-server.ts";
import type { ServerOptions, ServerTls } from "./server-options.ts";
import { Service } from "./service.ts";

/** A running server. Hold it with `await using`, which closes it at once. */
export interface RegistryServer extends AsyncDisposable {
  /** Address and port, such as `127.0.0.1:5000`. */
  readonly host: string;
  /** `http://`, or `https://` with certificates, and {@link host}. */
  readonly url: string;
  /** Accepts nothing more, ends what is going on, and removes unfinished uploads. */
  close(options?: CloseOptions): Promise<void>;
}

/**
 * Serves a registry over HTTP as the distribution-spec has it. Anything that reads can be served; writes go to what
 * can be written, deletes to what can delete.
 * @throws NodeJS.ErrnoException when the address cannot be listened on
 * @throws TypeError for options that make no sense
 * @see distribution-spec v1.1.1, "API"
 */
export async function startServer(
  registry: RegistryReader | Registry,
  options: ServerOptions = {},
): Promise<RegistryServer> {
  const { tls, publicUrl } = options;
  const publicOrigin = publicUrl === undefined ? undefined : originOf(publicUrl);
  if (options.auth && options.credentials) throw new TypeError("give a server either auth or credentials");
  const server = createServer(tls);
  server.setTimeout(options.idleTimeoutMs ?? 120_000); // idle only: a large blob may take any time
  server.listen(options.port ?? 0, options.host ?? "127.0.0.1");
  await once(server, "listening");
  const host = hostOf(server);
  const url = `${tls ? "https" : "http"}://${host}`;
  const service = new Service(registry, publicOrigin ?? url, options);
  server.on("request", (request, response) => service.accept(request, response));
  const close = closerOf(server, service);
  return { host, url, close, [Symbol.asyncDispose]: () => close() };
}

/** An HTTP server, or an HTTPS one with certificates, that does not listen yet. */
export function createServer(tls: ServerTls | undefined): Server {
  const options = { requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: 65_000 };
  if (!tls) return createHttpServer(options);
  const { cert, key, clientCa } = tls;
  const clients = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true };
  return createHttpsServer({ ...options, cert, key, ...clients });
}

function originOf(publicUrl: string): string {
  const url = URL.canParse(publicUrl) ? new URL(publicUrl) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url.origin;
  throw new TypeError("the public URL of a server has to be one of http or https");
}

/** Address and port of a server that listens. */
export function hostOf(server: Server): string {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server listens on no port");
  return address.family === "IPv6" ? `[${address.address}]:${address.port}` : `${address.address}:${address.port}`;
}
