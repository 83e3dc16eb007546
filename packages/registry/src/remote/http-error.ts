import * as z from "zod";
import { RegistryError, type ReportedError } from "../errors.ts";
import { printable } from "../printable.ts";
import { withoutSecrets } from "../without-secrets.ts";
import { headerOf, mediaTypeOf, type ResponseHeaders, retryAfterMsOf } from "./headers.ts";
import type { Operation } from "./operation.ts";
import { withoutSent } from "./without-sent.ts";

/** More of an error's body is not read, in bytes. */
export const maxErrorBodyBytes: number = 64 * 1024;

const maxReported = 10;

const bodySchema = z.object({ errors: z.array(z.unknown()) });

const errorSchema = z.object({ code: z.string().catch("UNKNOWN"), message: z.string().optional().catch(undefined) });

/** A response nobody expected. */
export interface FailedResponse {
  readonly status: number;
  readonly headers: ResponseHeaders;
  /** As much of the body as was read; of any type. */
  readonly body: Uint8Array;
  /** Who answered, when a redirect led away from the registry. */
  readonly host: string;
  /** Whether it was asked in plain HTTP. @defaultValue false */
  readonly isPlain?: boolean | undefined;
  /** The `Authorization` header it answers: what of it is said back is not told. */
  readonly sent?: string | undefined;
}

/** A server for TLS that was asked in plain HTTP; `answer` is what came, where that can be told. */
export function tlsExpected({ registry, reference, what }: Operation, answer?: string, cause?: unknown): RegistryError {
  const reason = "it speaks TLS, and was asked in plain HTTP";
  const message = `cannot ${what}: ${answer === undefined ? "" : `${answer}: `}${reason}`;
  const options = cause === undefined ? undefined : { cause };
  return new RegistryError("PROTOCOL", message, { registry, reference, reason: "TLS_EXPECTED" }, options);
}

/**
 * What a status outside the expected ones means. Reads the distribution-spec's `errors[]` where there are any; a proxy's
 * HTML page is survived.
 * @see distribution-spec v1.1.1, "Error Codes"
 */
export function httpError(response: FailedResponse, operation: Operation, hint?: string): RegistryError {
  const { status, headers, host, sent } = response;
  const { registry, reference, what } = operation;
  const reported = reportedErrors(response.body, sent);
  const retryAfterMs = retryAfterMsOf(headers);
  const { STATUS_CODES } = process.getBuiltinModule("node:http"); // slow to load, for what goes wrong alone
  const reason = [
    `${status} ${STATUS_CODES[status] ?? "(unknown status)"}${host === registry ? "" : ` from ${host}`}`,
    ...(reported[0] ? [reported[0].message || reported[0].code] : []),
    ...(hint === undefined ? [] : [withoutSent(hint, sent)]), // it may quote the registry, too
    ...(retryAfterMs ? [`it asks to wait ${Math.ceil(retryAfterMs / 1000)} s`] : []),
  ].join(": ");
  const message = `cannot ${what}: ${reason}`;
  const details = { registry, reference, ...(reported.length === 0 ? {} : { errors: reported }) };
  if (status === 404) return new RegistryError("NOT_FOUND", message, details);
  if (status === 401) return new RegistryError("UNAUTHORIZED", message, details);
  if (status === 403) return new RegistryError("FORBIDDEN", message, details);
  const patience = retryAfterMs === undefined ? {} : { retryAfterMs };
  if (status === 429) return new RegistryError("RATE_LIMITED", message, { ...details, ...patience });
  if (isTurnedDownByTls(response, reported)) return tlsExpected(operation, reason);
  const isServerError = status >= 500 || status === 408; // 408 is "try again", says RFC 9110
  if (isServerError) return new RegistryError("SERVER_ERROR", message, { ...details, status, ...patience });
  return new RegistryError("UNEXPECTED_STATUS", message, { ...details, status });
}

/**
 * Go's servers, nginx and Apache answer plain HTTP at a port for TLS with a 400 of their own, before any registry sees it:
 * a page or a line of text. The answer to a HEAD has no `errors[]` to tell a registry by; that they would be JSON is said.
 */
function isTurnedDownByTls({ status, headers, isPlain = false }: FailedResponse, reported: readonly ReportedError[]) {
  const saysJson = mediaTypeOf(headers)?.endsWith("json") ?? false;
  const hasVersion = headerOf(headers, "docker-distribution-api-version") !== undefined;
  return isPlain && status === 400 && reported.length === 0 && !saysJson && !hasVersion;
}

function reportedErrors(body: Uint8Array, sent: string | undefined): readonly ReportedError[] {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(body));
  } catch {
    return [];
  }
  const parsed = bodySchema.safeParse(json);
  if (!parsed.success) return [];
  const told = (text: string, maxLength: number) => printable(withoutSecrets(withoutSent(text, sent)), maxLength);
  return parsed.data.errors.slice(0, maxReported).flatMap((entry) => {
    const { success, data } = errorSchema.safeParse(entry);
    if (!success) return []; // the others may say what is wrong
    const { code, message } = data;
    return { code: told(code, 100), ...(message === undefined ? {} : { message: told(message, 300) }) };
  });
}
