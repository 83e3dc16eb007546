import { errors } from "undici";
import { RegistryError } from "../errors.ts";
import type { Operation } from "./operation.ts";

const timeoutCodes = new Set([
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "ETIMEDOUT",
]);

const tlsCode =
  /^(?:ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH$|INVALID_CA$|EPROTO$)/;

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
};

/** What undici or the socket below it threw, as a {@link RegistryError}; ones of ours pass as they are. */
export function networkError(error: unknown, operation: Operation, idleTimeoutMs: number): Error {
  if (error instanceof RegistryError) return error;
  if (!(error instanceof Error)) return new Error(String(error));
  const code = codeOf(error);
  if (code === undefined) return error; // not of the network: thrown by a sink or a body, it belongs to the caller
  const { registry, reference, what } = operation;
  const options = { cause: error };
  const fail = (reason: string) => `cannot ${what}: ${reason} (${registry}, ${code})`;
  if (timeoutCodes.has(code)) {
    const details = { registry, reference, idleMs: idleTimeoutMs };
    return new RegistryError("TIMEOUT", fail("the connection was not made in time"), details, options);
  }
  if (tlsCode.test(code)) {
    return new RegistryError("TLS", fail(tlsReason(code, error)), { registry, reference, reason: code }, options);
  }
  if ((code.startsWith("HPE_") && code !== endedEarly) || code === "UND_ERR_HEADERS_OVERFLOW") {
    const reason = `the answer is not HTTP: ${error.message}`;
    return new RegistryError("PROTOCOL", fail(reason), { registry, reference, reason }, options);
  }
  if (code === "UND_ERR_INVALID_ARG") return error; // a mistake of ours, not the network's
  const reason = explanations[code] ?? error.message;
  return new RegistryError("NETWORK", fail(reason), { registry, reference, reason: code }, options);
}

function tlsReason(code: string, error: Error): string {
  if (code === "EPROTO" || code === "ERR_SSL_WRONG_VERSION_NUMBER") return "it does not speak TLS as we do";
  return `its certificate is not trusted: ${error.message}`;
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
