import { errors } from "undici";
import { RegistryError } from "../errors.ts";
import { tlsExpected } from "./http-error.ts";
import type { Operation } from "./operation.ts";
import { ProxyError } from "./transport/proxy-error.ts";

const timeoutCodes = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "ETIMEDOUT",
]);

const tlsCode =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH$|INVALID_CA$|EPROTO$)/;

/** What comes of a first answer that is not TLS; mostly it is plain HTTP. */
const notTls: ReadonlySet<string> = new Set([
  "EPROTO",
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "ERR_SSL_PACKET_LENGTH_TOO_LONG",
  "ERR_SSL_UNKNOWN_PROTOCOL",
]);

const longestReason = 300;

/** What undici's parser had no name for, in the manner of its codes. */
const notHttp = "HPE_INVALID";
const endedEarly = "HPE_INVALID_EOF_STATE";

const explanations: Readonly<Record<string, string>> = {
  ENOTFOUND: "the host name is unknown",
  EAI_AGAIN: "the host name could not be looked up",
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was reset",
  EPIPE: "the connection broke",
  EHOSTUNREACH: "the host cannot be reached",
  ENETUNREACH: "the network cannot be reached",
  UND_ERR_SOCKET: "the connection broke",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "the answer ended early",
  [endedEarly]: "the answer ended early",
  ERR_ASSERTION: "the answer is one that HTTP does not know", // a status of 000, which undici takes for its own mistake
};

/** What undici or the socket below it threw, as a {@link RegistryError}; ones of ours pass as they are. */
export function networkError(error: unknown, operation: Operation, idleTimeoutMs: number): Error {
  if (error instanceof RegistryError) return error;
  if (!(error instanceof Error)) return new Error(String(error));
  const code = codeOf(error);
  if (code === undefined) return error; // not of the network: thrown by a sink or a body, it belongs to the caller
  const { registry, reference, what } = operation;
  const options = { cause: withoutData(error, code) };
  const fail = (reason: string) => `cannot ${what}: ${reason} (${registry}, ${code})`;
  if (error instanceof ProxyError && error.code === "PROXY_TIMEOUT") {
    return new RegistryError("TIMEOUT", fail(error.message), { registry, reference, idleMs: idleTimeoutMs }, options);
  }
  if (error instanceof ProxyError) {
    const kind = error.code === "PROXY_UNTRUSTED" ? "TLS" : "NETWORK";
    return new RegistryError(kind, fail(error.message), { registry, reference, reason: code }, options);
  }
  if (timeoutCodes.has(code)) {
    const details = { registry, reference, idleMs: idleTimeoutMs };
    return new RegistryError("TIMEOUT", fail("the connection was not made in time"), details, options);
  }
  if (isTlsCode(code)) {
    return new RegistryError("TLS", fail(tlsReason(code, error)), { registry, reference, reason: code }, options);
  }
  if ((code.startsWith("HPE_") && code !== endedEarly) || code === "UND_ERR_HEADERS_OVERFLOW") {
    if (speaksTls(error)) return tlsExpected(operation, undefined, options.cause);
    const reason = `the answer is not HTTP: ${error.message}`;
    return new RegistryError("PROTOCOL", fail(reason), { registry, reference, reason }, options);
  }
  if (code === "UND_ERR_INVALID_ARG") return error; // a mistake of ours, not the network's
  const reason = explanations[code] ?? error.message;
  return new RegistryError("NETWORK", fail(reason), { registry, reference, reason: code }, options);
}

/** Whether a system's or undici's code tells that TLS itself failed. */
export function isTlsCode(code: string): boolean {
  return tlsCode.test(code);
}

function tlsReason(code: string, error: Error): string {
  if (notTls.has(code)) return "it does not speak TLS; plain HTTP has to be allowed";
  if (code.includes("_ALERT_")) return "it turned our TLS down: it wants a client certificate, or another version";
  if (code.startsWith("ERR_SSL_")) return "it does not speak TLS as we do";
  const reason = error.message.replace(/; if the root CA is installed locally.*/s, ""); // a flag of Node's is no advice here
  return `its certificate is not trusted: ${reason.slice(0, longestReason)}`; // it quotes what the peer says
}

/** A parser's error keeps the bytes it failed at, and those may say back what was sent. */
function withoutData(error: Error, code: string): Error {
  if (!(error instanceof errors.HTTPParserError)) return error;
  return Object.assign(new errors.HTTPParserError(error.message), { code });
}

/** An alert is how TLS turns plain text down; many servers just hang up. */
function speaksTls(error: Error): boolean {
  const { data } = error as { readonly data?: unknown };
  return typeof data === "string" && data.startsWith("\x15\x03");
}

/** The system's, TLS's or undici's code; a failed attempt at several addresses keeps the first one's. */
function codeOf(error: Error): string | undefined {
  const { code } = error as { readonly code?: unknown };
  if (typeof code === "string") return code;
  // undici 8.12 forgets the parser's codes; it keeps what could not be parsed, which is nothing at the end of the stream
  if (error instanceof errors.HTTPParserError)
    return (error as { readonly data?: unknown }).data ? notHttp : endedEarly;
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return codeOf(error.errors[0]);
  return error.cause instanceof Error ? codeOf(error.cause) : undefined;
}
