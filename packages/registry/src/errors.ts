import { printable } from "./printable.ts";

/** What each {@link RegistryErrorCode} carries in `details`. Adding a code is adding a line here. */
export interface RegistryErrorDetails {
  /** Text that is not a digest, tag, repository path or reference. */
  INVALID_REFERENCE: { text: string };
  /** A manifest or index that is not what its media type promises, or not JSON at all. */
  INVALID_MANIFEST: { reference: string; reason: string };
  /** The registry says there is no such repository, tag, manifest or blob (and nothing else is reported under this code). */
  NOT_FOUND: { registry: string; reference: string; errors?: readonly ReportedError[] };
  /** 401: the registry wants credentials, or other ones. */
  UNAUTHORIZED: { registry: string; reference: string; errors?: readonly ReportedError[] };
  /** 403: the credentials are known and not enough. */
  FORBIDDEN: { registry: string; reference: string; errors?: readonly ReportedError[] };
  /** 429: too many requests; `retryAfterMs` is what the registry asked for, in all where it asked again and again. */
  RATE_LIMITED: { registry: string; reference: string; retryAfterMs?: number; errors?: readonly ReportedError[] };
  /** A 5xx answer, or a 408: the server itself says that it may be asked again. */
  SERVER_ERROR: {
    registry: string;
    reference: string;
    status: number;
    retryAfterMs?: number;
    errors?: readonly ReportedError[];
  };
  /** Any other status the operation does not expect. */
  UNEXPECTED_STATUS: { registry: string; reference: string; status: number; errors?: readonly ReportedError[] };
  /**
   * The answer is not of the protocol: a missing header, a wrong range, a body that is no JSON, a redirect loop. The reason
   * `TLS_EXPECTED` is a server for TLS that was asked in plain HTTP.
   */
  PROTOCOL: { registry: string; reference: string; reason: string };
  /** Bytes that do not hash to the digest they were asked for or announced under. */
  DIGEST_MISMATCH: { reference: string; expected: string; actual: string };
  /** Fewer or more bytes than the descriptor says. */
  SIZE_MISMATCH: { reference: string; expected: number; actual: number };
  /** A body over the limit the caller allows. */
  TOO_LARGE: { reference: string; limitBytes: number };
  /** No connection, or one that broke; `reason` is the system's code, such as `ENOTFOUND` or `ECONNREFUSED`. */
  NETWORK: { registry: string; reference: string; reason: string };
  /** No bytes for too long. */
  TIMEOUT: { registry: string; reference: string; idleMs: number };
  /** The certificate of the registry is not trusted; `reason` is the TLS code. */
  TLS: { registry: string; reference: string; reason: string };
  /** A configuration file, helper program or provider of credentials that cannot be used; `source` names it. */
  CREDENTIALS_UNUSABLE: { source: string; reason: string };
  /** The operation is not possible here: a write to something read-only, for one. */
  UNSUPPORTED: { registry: string; operation: string };
}

/** Stable codes of {@link RegistryError}. */
export type RegistryErrorCode = keyof RegistryErrorDetails;

/** One entry of the distribution-spec's `errors[]`, as the registry sent it. */
export interface ReportedError {
  readonly code: string;
  readonly message?: string;
}

/** Longer messages are cut, in characters. */
const maxMessageLength = 2000;

/** The one error class of this package: branch on `code`, read `message`, find what happened below in `cause`. */
export class RegistryError<Code extends RegistryErrorCode = RegistryErrorCode> extends Error {
  override readonly name: "RegistryError" = "RegistryError";
  readonly code: Code;
  readonly details: RegistryErrorDetails[Code];

  constructor(code: Code, message: string, details: RegistryErrorDetails[Code], options?: ErrorOptions) {
    super(printable(message, maxMessageLength), options); // it may quote what a hostile registry says
    this.code = code;
    this.details = details;
  }
}

/**
 * Whether `error` is a {@link RegistryError}, with `code` if one is given; narrows `details`.
 * Goes by name and code, so it also holds across two installed copies of this package.
 */
export function isRegistryError<Code extends RegistryErrorCode>(
  error: unknown,
  code?: Code,
): error is RegistryError<Code> {
  return error instanceof Error && error.name === "RegistryError" && (code === undefined || codeOf(error) === code);
}

/**
 * The classes a caller decides by: `missing` may be forgiven, `transient`, `throttled` and `corrupt` may pass when
 * tried again, `denied`, `invalid` and `local` will not, `aborted` is the caller's own wish.
 */
export type FailureClass =
  | "missing"
  | "denied"
  | "throttled"
  | "transient"
  | "corrupt"
  | "invalid"
  | "local"
  | "aborted";

const classes: { readonly [Code in RegistryErrorCode]: FailureClass } = {
  INVALID_REFERENCE: "invalid",
  INVALID_MANIFEST: "invalid",
  NOT_FOUND: "missing",
  UNAUTHORIZED: "denied",
  FORBIDDEN: "denied",
  RATE_LIMITED: "throttled",
  SERVER_ERROR: "transient",
  UNEXPECTED_STATUS: "invalid",
  PROTOCOL: "invalid",
  DIGEST_MISMATCH: "corrupt",
  SIZE_MISMATCH: "corrupt",
  TOO_LARGE: "invalid",
  NETWORK: "transient",
  TIMEOUT: "transient",
  TLS: "denied",
  CREDENTIALS_UNUSABLE: "local",
  UNSUPPORTED: "invalid",
};

/** The class of any error thrown by a registry, a repository or a file. A timeout is transient, and no cancellation. */
export function classifyFailure(error: unknown): FailureClass {
  if (isRegistryError(error)) return classes[error.code] ?? "invalid";
  if (error instanceof Error && error.name === "AbortError") return "aborted";
  if (error instanceof Error && error.name === "TimeoutError") return "transient"; // what AbortSignal.timeout gives
  return "local";
}

function codeOf(error: Error): unknown {
  return (error as { readonly code?: unknown }).code;
}
