import { RegistryError } from "../errors.ts";
import type { PasswordCredentials } from "../remote/auth/authenticator.ts";
import type { HostOptions, TransportOptions } from "../remote/transport/host-options.ts";
import type { FileLimits } from "./origin-lanes.ts";

/**
 * Options of `createFileClient`. Those of the transport hold for every server, whatever redirects lead to among them; the
 * client certificate only for servers the caller names. Whether TLS is spoken, the address says.
 */
export interface FileClientOptions extends Omit<TransportOptions, "insecure"> {
  /** How single hosts are reached, by `host` or `host:port`; over the options for all. `insecure` means nothing here. */
  readonly hosts?: HostOptions | undefined;
  /** For each server. */
  readonly limits?: FileLimits | undefined;
  /** The longest time without a byte, in milliseconds; `Infinity` for any. @defaultValue 60 000 */
  readonly idleTimeoutMs?: number | undefined;
  /** @defaultValue `tranship` */
  readonly userAgent?: string | undefined;
  /**
   * User names and passwords by origin, such as `https://files.example.com:8443`. Shown to that origin alone, and only if
   * the caller names it; a redirect that leads elsewhere leaves them behind for good. User info in an address is preferred.
   */
  readonly credentials?: Readonly<Record<string, PasswordCredentials>> | undefined;
  /** More headers by origin, such as an `Authorization` of your own; shown as {@link credentials} are. */
  readonly headers?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
}

/** Headers that say what is asked for and how it travels: they are the client's own. */
const ownHeaders: ReadonlySet<string> = new Set([
  "accept-encoding",
  "connection",
  "content-length",
  "host",
  "if-none-match",
  "if-range",
  "keep-alive",
  "range",
  "te",
  "transfer-encoding",
  "upgrade",
  "user-agent",
]);

/** @see RFC 9110, "Field Names" and "Field Values" */
const headerName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const headerValue = /^[\t\x20-\x7e]*$/;

/** What is kept by origin, its keys read: one entry for each origin. */
export function byOrigin<T>(given: Readonly<Record<string, T>> | undefined): ReadonlyMap<string, T> {
  return new Map(Object.entries(given ?? {}).map(([key, value]) => [originOf(key), value]));
}

/**
 * Headers with their names in lower case.
 * @throws TypeError for a name or value that HTTP does not know, or a header that is the client's own
 */
export function checkedHeaders(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const);
  for (const [name, value] of entries) {
    if (ownHeaders.has(name)) throw new TypeError(`the header ${name} is the client's own`);
    if (!headerName.test(name) || !headerValue.test(value)) {
      throw new TypeError(`not a header: ${JSON.stringify(name)}`); // the value may be a secret
    }
  }
  return Object.fromEntries(entries);
}

function originOf(key: string): string {
  const url = URL.parse(key);
  const isPlain = url?.pathname === "/" && url.search + url.hash + url.username + url.password === "";
  if (isPlain && (url.protocol === "https:" || url.protocol === "http:")) return url.origin;
  const text = key.replace(/\/\/.*@/s, "//");
  throw new RegistryError("INVALID_REFERENCE", `not an origin such as https://host:port: ${JSON.stringify(text)}`, {
    text,
  });
}
