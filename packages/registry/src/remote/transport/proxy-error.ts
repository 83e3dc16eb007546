/**
 * What a proxy did to a request, as `details.reason` of a `NETWORK` error tells it (`PROXY_TIMEOUT` comes as `TIMEOUT`,
 * `PROXY_UNTRUSTED` as `TLS`): there is nobody, it was too slow, its own certificate is not trusted, it wants (other)
 * credentials, it will not let us through, it could not get through itself.
 */
export type ProxyReason =
  | "PROXY_UNREACHABLE"
  | "PROXY_TIMEOUT"
  | "PROXY_UNTRUSTED"
  | "PROXY_AUTH_REQUIRED"
  | "PROXY_DENIED"
  | "PROXY_FAILED";

/** Reasons that asking again does not change. */
export const finalProxyReasons: ReadonlySet<string> = new Set<ProxyReason>(["PROXY_AUTH_REQUIRED", "PROXY_DENIED"]);

/** A failure of the proxy, not of the registry behind it. Names the proxy by host and port only. */
export class ProxyError extends Error {
  override readonly name = "ProxyError";
  readonly code: ProxyReason;

  constructor(code: ProxyReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** The proxy answered something else than "go on". */
export function proxyRefusal(host: string, status: number): ProxyError {
  if (status === 407) return new ProxyError("PROXY_AUTH_REQUIRED", `the proxy ${host} wants other credentials (407)`);
  const isDenied = status >= 400 && status < 500 && status !== 408 && status !== 429;
  if (isDenied) return new ProxyError("PROXY_DENIED", `the proxy ${host} refused to let us through (${status})`);
  return new ProxyError("PROXY_FAILED", `the proxy ${host} could not get through (${status})`);
}
