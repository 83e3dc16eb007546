import { isRegistryError } from "../errors.ts";

/** The error codes of distribution-spec v1.1.1, "Error Codes", and those every server adds. */
export type ApiErrorCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DENIED"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "PAGINATION_NUMBER_INVALID"
  | "PRECONDITION_FAILED"
  | "SIZE_INVALID"
  | "TOOMANYREQUESTS"
  | "UNAUTHORIZED"
  | "UNKNOWN"
  | "UNSUPPORTED";

/** A refusal as the protocol spells it: thrown by handlers, answered by the server. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: ApiErrorCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: ApiErrorCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/**
 * What a failed write is to the one who sent it, in words that tell nothing of where it was to be kept; anything that
 * is not the sender's fault stays as it is.
 */
export function refusalOf(error: unknown): unknown {
  if (isRegistryError(error, "DIGEST_MISMATCH")) {
    return new ApiError(400, "DIGEST_INVALID", `the bytes hash to ${error.details.actual}`);
  }
  if (isRegistryError(error, "SIZE_MISMATCH")) {
    const { expected, actual } = error.details;
    return new ApiError(400, "SIZE_INVALID", `expected ${expected} bytes, got ${actual}`);
  }
  if (isRegistryError(error, "INVALID_MANIFEST")) return new ApiError(400, "MANIFEST_INVALID", error.details.reason);
  if (isRegistryError(error, "INVALID_REFERENCE")) return new ApiError(400, "NAME_INVALID", "not a valid name");
  if (isRegistryError(error, "TOO_LARGE")) {
    return new ApiError(413, "SIZE_INVALID", `more than ${error.details.limitBytes} bytes`);
  }
  if (isRegistryError(error, "UNSUPPORTED")) return unsupported("this registry cannot do that");
  return error;
}

/** The answer to a method an endpoint does not have. @see RFC 9110, "405 Method Not Allowed" */
export function methodNotAllowed(...allowed: readonly string[]): ApiError {
  const allow = allowed.join(", ");
  return new ApiError(405, "UNSUPPORTED", `this endpoint takes ${allow}`, { allow });
}

/**
 * The answer to a write where nothing can be written, and to whatever a registry cannot do; `allowed` is what can be done
 * there all the same.
 */
export function unsupported(message: string, allowed: readonly string[] = ["GET", "HEAD"]): ApiError {
  return new ApiError(405, "UNSUPPORTED", message, { allow: allowed.join(", ") });
}
