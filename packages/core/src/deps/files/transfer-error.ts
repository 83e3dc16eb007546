import { classifyFailure, isRegistryError, type RegistryError } from "@tranship/registry";
import { DepsError, isDepsError } from "../errors.ts";
import { shownUrl } from "./http-address.ts";

/** Statuses a server may answer with for a moment only, besides those from 500 on. */
const passing: readonly number[] = [408, 429];

/**
 * What kept an item from being fetched from an address, as a {@link DepsError}: `NOT_FOUND` if and only if the server says
 * it has no such file, `HTTP_STATUS` for other statuses, `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `TOO_LARGE`, else
 * `TRANSFER_FAILED`. What is one already stays as it is.
 */
export function transferError(error: unknown, item: string, url: string): DepsError {
  if (isDepsError(error)) return error;
  const shown = shownUrl(url);
  const options = { cause: error };
  const cannot = `cannot fetch ${item} from ${shown}`;
  const status = statusOf(error);
  if (status === 404 || status === 410)
    return new DepsError("NOT_FOUND", `${cannot}: the server does not have it (${status})`, { url: shown }, options);
  if (status !== undefined) {
    const why = `${cannot}: ${meanings[status] ?? "the server answered with a failure"} (${status})`;
    return new DepsError("HTTP_STATUS", why, { url: shown, status }, options);
  }
  const aboutContent = contentError(error, cannot, item);
  if (aboutContent !== undefined) return aboutContent;
  const { code, reason } = failureOf(error);
  const details = { item, url: shown, failure: classifyFailure(error), code };
  return new DepsError("TRANSFER_FAILED", `${cannot}: ${reason}`, details, options);
}

/**
 * What is wrong with the content of an item, as a {@link DepsError}: `DIGEST_MISMATCH`, `SIZE_MISMATCH`, `TOO_LARGE`;
 * `undefined` when something else is.
 * @param cannot what could not be done, from where
 */
export function contentError(error: unknown, cannot: string, item: string): DepsError | undefined {
  const options = { cause: error };
  if (isRegistryError(error, "DIGEST_MISMATCH")) {
    const { expected, actual } = error.details;
    const message = `${cannot}: its bytes are ${actual}, not ${expected}`;
    return new DepsError("DIGEST_MISMATCH", message, { item, expected, actual }, options);
  }
  if (isRegistryError(error, "SIZE_MISMATCH")) {
    const { expected, actual } = error.details;
    const message = `${cannot}: expected ${expected} bytes, got ${actual}${actual > expected ? " or more" : ""}`;
    return new DepsError("SIZE_MISMATCH", message, { item, expected, actual }, options);
  }
  if (isRegistryError(error, "TOO_LARGE")) {
    const { limitBytes } = error.details;
    return new DepsError("TOO_LARGE", `${cannot}: it is over ${limitBytes} bytes long`, { item, limitBytes }, options);
  }
  return undefined;
}

/** The status a server answered with in place of the file. */
export function statusOf(error: unknown): number | undefined {
  if (isRegistryError(error, "NOT_FOUND")) return 404;
  if (isRegistryError(error, "UNAUTHORIZED")) return 401;
  if (isRegistryError(error, "FORBIDDEN")) return 403;
  if (isRegistryError(error, "RATE_LIMITED")) return 429;
  if (isRegistryError(error, "SERVER_ERROR") || isRegistryError(error, "UNEXPECTED_STATUS"))
    return error.details.status;
  return undefined;
}

/** How long the server wants to be left alone, in milliseconds. */
export function retryAfterOf(error: unknown): number | undefined {
  if (isRegistryError(error, "RATE_LIMITED") || isRegistryError(error, "SERVER_ERROR"))
    return error.details.retryAfterMs;
  return undefined;
}

/** Whether a failure may pass: of the network, or a status of 408, 429, or 500 and more. */
export function mayPass(error: unknown): boolean {
  const status = statusOf(error);
  if (status !== undefined) return status >= 500 || passing.includes(status);
  return isRegistryError(error) && classifyFailure(error) === "transient";
}

const meanings: Readonly<Record<number, string>> = {
  401: "the server wants to know who asks",
  403: "the server does not give it to us",
  429: "the server was asked too often",
  503: "the server is not available",
};

function failureOf(error: unknown): { readonly code: string; readonly reason: string } {
  if (!isRegistryError(error)) {
    const { code, name, message }: NodeJS.ErrnoException = error instanceof Error ? error : new Error(String(error));
    return { code: code ?? name, reason: message };
  }
  const { code } = error as RegistryError;
  if (isRegistryError(error, "TIMEOUT")) return { code, reason: `no bytes for ${error.details.idleMs} ms` };
  const { reason } = error.details as { readonly reason?: string };
  return { code, reason: reason === undefined ? code : `${explanations[code] ?? code}: ${reason}` };
}

const explanations: Readonly<Record<string, string>> = {
  NETWORK: "the connection failed",
  TLS: "no safe connection could be made",
  PROTOCOL: "the answer makes no sense",
};
