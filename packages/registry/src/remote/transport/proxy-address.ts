import { RegistryError } from "../../errors.ts";
import { parseNoProxy } from "./no-proxy.ts";
import { isLoopbackHost } from "./private-address.ts";

/** A proxy, with its credentials taken out of sight. */
export interface ProxyAddress {
  /** `http:` or `https:`: how the proxy itself is spoken to. Without user info. */
  readonly url: URL;
  /** Its host and port, as messages name it. */
  readonly name: string;
  /** What `Proxy-Authorization` says, to the proxy and nobody else. */
  readonly authorization: string | undefined;
}

/** Environment variables, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Which proxy leads to an origin, if any. */
export type ProxyChoice = (origin: URL) => ProxyAddress | undefined;

/** Ports that a URL leaves out. */
export function portOf({ protocol, port }: URL): number {
  return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
}

/**
 * `http://[user:password@]host[:port]`, or `https:` to speak TLS with the proxy itself; without a scheme it is `http:`.
 * @throws RegistryError `UNSUPPORTED`, which never shows the text: it may hold a password
 */
export function parseProxy(text: string, registry: string): ProxyAddress {
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text);
  const url = URL.parse(hasScheme ? text : `http://${text}`);
  const refuse = (why: string) =>
    new RegistryError("UNSUPPORTED", `cannot reach ${registry} through the proxy: ${why}`, {
      registry,
      operation: "use a proxy",
    });
  if (!url) throw refuse("what is given is not a URL");
  if (url.protocol !== "http:" && url.protocol !== "https:")
    throw refuse(`${url.protocol} is no kind of proxy we speak`);
  if (url.hostname === "") throw refuse("its URL names no host");
  const authorization = authorizationOf(url);
  if (authorization === undefined && (url.username || url.password)) throw refuse("its user info is not URL-encoded");
  return { url: new URL(url.origin), name: `${url.hostname}:${portOf(url)}`, authorization };
}

function authorizationOf({ username, password }: URL): string | undefined {
  if (username === "" && password === "") return undefined;
  try {
    const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
    return `Basic ${Buffer.from(pair).toString("base64")}`;
  } catch {
    return undefined;
  }
}

/**
 * The environment's choice: `HTTPS_PROXY` and `HTTP_PROXY` by the origin's scheme, spared by `NO_PROXY`; each in lower
 * case first, as curl reads them. Hosts on loopback are never asked through a proxy that was not named for them.
 */
export function proxyFromEnvironment(env: Environment): ProxyChoice {
  const read = (name: string) => env[name.toLowerCase()] || env[name]; // set, but empty, is not set
  const isSpared = parseNoProxy(read("NO_PROXY") ?? "");
  return (origin) => {
    const text = read(origin.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY");
    if (text === undefined || text === "") return undefined;
    if (isLoopbackHost(origin.hostname) || isSpared(origin.hostname, portOf(origin))) return undefined;
    return parseProxy(text, origin.host);
  };
}
