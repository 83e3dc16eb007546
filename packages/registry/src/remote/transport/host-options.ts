import { RegistryError } from "../../errors.ts";
import { portOf } from "./proxy-address.ts";

/** How one host is reached. */
export interface TransportOptions {
  /** Speak plain HTTP. @defaultValue only with loopback hosts, such as `localhost` */
  readonly insecure?: boolean | undefined;
  /** Accept any certificate. @defaultValue false */
  readonly tlsSkipVerify?: boolean | undefined;
  /** Certificates to trust beside Node's own and the system's, PEM. */
  readonly ca?: string | readonly string[] | undefined;
  /** Shown to a host that asks who we are, PEM. */
  readonly clientCertificate?: ClientCertificate | undefined;
  /**
   * The URL of an HTTP proxy, such as `http://user:password@proxy.internal:3128`; `false` for none.
   * @defaultValue what `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say
   */
  readonly proxy?: string | false | undefined;
}

/** A client's certificate, with the chain below it if its issuer is not known to the host, and its private key. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
  /** Opens an encrypted key. */
  readonly passphrase?: string | undefined;
}

/** Options by host: keys are `host` or `host:port`. */
export type HostOptions = Readonly<Record<string, TransportOptions>>;

/** Which options hold for an origin. One object for each kind of host, so that what is made of it can be kept. */
export type OptionsChoice = (origin: URL) => TransportOptions;

/** What {@link chooseOptions} goes by. */
export interface OptionsSource {
  /** Of the registry itself. @defaultValue no host is ours, and the options hold for all alike */
  readonly origin?: URL | undefined;
  readonly options: TransportOptions;
  readonly hosts?: HostOptions | undefined;
}

/**
 * The registry's own origin has its options, with those named for its host in `hosts` over them. Any other origin,
 * where a redirect or a token server may be, has what `hosts` says of it over the registry's `ca`, `tlsSkipVerify` and
 * `proxy`: these tell of the network we are in. The client certificate does not go there: it proves who we are, and a
 * registry could send us to anyone with its `Location`.
 * @throws RegistryError `INVALID_REFERENCE` when a key of `hosts` is no host
 */
export function chooseOptions({ origin, options, hosts = {} }: OptionsSource): OptionsChoice {
  const rules = Object.entries(hosts).map(([key, own]) => ({ ...parseHostKey(key), own }));
  // a port makes a rule the closer one, wherever it stands
  rules.sort((a, b) => Number(b.port !== undefined) - Number(a.port !== undefined));
  const { ca, tlsSkipVerify, proxy } = options;
  const shared: TransportOptions = origin ? { ca, tlsSkipVerify, proxy } : options;
  const merged = new Map<TransportOptions, TransportOptions>(); // by rule
  const ruleFor = (url: URL) =>
    rules.find(({ hostname, port }) => hostname === url.hostname && (port === undefined || port === portOf(url)))?.own;
  const own = origin && overlay(options, ruleFor(origin));
  return (url) => {
    if (own && url.origin === origin.origin) return own;
    const rule = ruleFor(url);
    if (!rule) return shared;
    const options = merged.get(rule) ?? overlay(shared, rule);
    merged.set(rule, options);
    return options;
  };
}

/**
 * Whether plain HTTP is spoken with `host`, as far as anybody said so.
 * @throws RegistryError `INVALID_REFERENCE` when a key of `hosts` is no host
 */
export function insecureOption(host: string, options: TransportOptions, hosts?: HostOptions): boolean | undefined {
  // the scheme is what is asked for; a port that is left out may be meant either way
  const [secure, plain] = ["https", "http"].map((scheme) => {
    const origin = new URL(`${scheme}://${host}`);
    return chooseOptions({ origin, options, hosts })(origin).insecure;
  });
  return secure ?? plain;
}

function overlay(below: TransportOptions, above: TransportOptions | undefined): TransportOptions {
  const told = Object.entries(above ?? {}).filter(([, value]) => value !== undefined);
  return { ...below, ...Object.fromEntries(told) };
}

function parseHostKey(key: string): { readonly hostname: string; readonly port: number | undefined } {
  const match = /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]\\]+)(?::(\d{1,5}))?$/i.exec(key);
  const url = match && URL.parse(`http://${match[1]}`);
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  if (url && (port === undefined || (port > 0 && port < 65_536))) return { hostname: url.hostname, port };
  throw new RegistryError("INVALID_REFERENCE", `not a host with or without a port: ${JSON.stringify(key)}`, {
    text: key,
  });
}
