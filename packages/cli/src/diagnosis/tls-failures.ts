import type { Finding, PossibleCause } from "./diagnosis.ts";
import type { FailureFacts } from "./failure-facts.ts";

type Kind = Extract<Finding["class"], `tls${string}`>;

const unknownAuthority = new Set([
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "CERT_UNTRUSTED",
  "PROXY_UNTRUSTED",
]);
const dates = new Set(["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID", "CRL_HAS_EXPIRED", "CRL_NOT_YET_VALID"]);
const names = new Set(["ERR_TLS_CERT_ALTNAME_INVALID", "HOSTNAME_MISMATCH"]);
const plainHttp = new Set([
  "EPROTO",
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_UNKNOWN_PROTOCOL",
]);
const files = new Set(["INVALID_CA", "INVALID_CLIENT_CERTIFICATE", "INVALID_CLIENT_KEY", "CLIENT_KEY_MISMATCH"]);

const categories: Readonly<Record<Kind, string>> = {
  "tls-unknown-authority": "TLS: the certificate comes from an authority that is not trusted here",
  "tls-expired": "TLS: the certificate is not valid at this date",
  "tls-host-name": "TLS: the certificate is for another host name",
  "tls-plain-http": "TLS: the registry answers, but not in TLS",
  "tls-expected": "the registry speaks TLS and was asked in plain HTTP",
  "tls-client-certificate": "TLS: the registry turned our side of the handshake down",
  "tls-file": "TLS: a certificate or key that was given cannot be used",
  tls: "TLS: the connection could not be made safe",
};

const skip: PossibleCause = {
  cause: "the check is not wanted here, as in a test",
  advice: ["--tls-skip-verify accepts any certificate: whoever is on the way can then read and change everything"],
};

const interceptor: PossibleCause = {
  cause: "a proxy on the way opens TLS and shows a certificate of its own",
  advice: ["give the proxy's CA certificate with --ca FILE, or let NO_PROXY name the registry"],
};

const causes: Readonly<Record<Kind, readonly PossibleCause[]>> = {
  "tls-unknown-authority": [
    {
      cause: "the registry has a certificate of a company's own authority, or one it signed itself",
      advice: ["give the authority's certificate with --ca FILE (PEM), or add it to the system's trusted ones"],
    },
    interceptor,
    skip,
  ],
  "tls-expired": [
    { cause: "the certificate has run out", advice: ["ask the registry's administrator for a new one"] },
    { cause: "this machine's clock is wrong", advice: ["compare `date` with the right time"] },
    skip,
  ],
  "tls-host-name": [
    {
      cause: "the registry was named by an address or an alias that its certificate does not list",
      advice: ["name it as its certificate does; the message lists those names"],
    },
    { cause: "something else answers at this address", advice: ["check what the name resolves to, and any proxy"] },
    skip,
  ],
  "tls-plain-http": [
    { cause: "the registry speaks plain HTTP", advice: ["allow that with --insecure"] },
    { cause: "this is not the registry's port", advice: ["check the port"] },
  ],
  "tls-expected": [
    {
      cause: "plain HTTP was asked for: by --insecure, or because the registry is on this machine",
      advice: ["leave --insecure out; with this machine, --ca FILE or --tls-skip-verify asks for TLS"],
    },
  ],
  "tls-client-certificate": [
    {
      cause: "the registry wants a client certificate, or another one",
      advice: ["give it with --client-cert FILE and --client-key FILE"],
    },
    { cause: "the registry and this program share no TLS version", advice: ["TLS 1.2 or 1.3 has to be allowed there"] },
  ],
  "tls-file": [
    {
      cause: "the file is not PEM, or certificate and key do not belong together",
      advice: ["check --ca, --client-cert and --client-key with `openssl x509 -in FILE -noout -text`"],
    },
  ],
  tls: [
    { cause: "the certificate chain is broken or too weak", advice: ["ask the registry's administrator"] },
    interceptor,
    skip,
  ],
};

/** A certificate that is not trusted, or a peer that does not speak TLS where it should, or does where it should not. */
export function tlsFinding(facts: FailureFacts): Finding | undefined {
  const kind = kindOf(facts);
  if (!kind) return undefined;
  return {
    class: kind,
    category: `${categories[kind]}${facts.host === "" ? "" : ` (${facts.host})`}`,
    causes: causes[kind],
  };
}

function kindOf({ registry, reasons }: FailureFacts): Kind | undefined {
  const is = (codes: ReadonlySet<string>) => [...reasons].some((reason) => codes.has(reason));
  if (registry?.code === "PROTOCOL" && reasons.has("TLS_EXPECTED")) return "tls-expected";
  if (registry?.code !== "TLS") return undefined;
  if (is(names)) return "tls-host-name";
  if (is(dates)) return "tls-expired";
  if (is(files)) return "tls-file";
  if (is(unknownAuthority)) return "tls-unknown-authority";
  if ([...reasons].some((reason) => reason.includes("_ALERT_"))) return "tls-client-certificate";
  return is(plainHttp) ? "tls-plain-http" : "tls";
}
