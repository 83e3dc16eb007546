import { isRegistryError } from "../errors.ts";

/** The error codes of distribution-spec v1.1.1, "Error Codes", and the two every server adds. */
export type ApiErrorCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DENIED"
  | "DIGEST_INVALID"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "PAGINATION_NUMBER_INVALID"
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

/** What a failed write is to the one who sent it; anything that is not the sender's fault stays as it is. */
export function refusalOf(error: unknown): unknown {
  if (isRegistryError(error, "DIGEST_MISMATCH")) return new ApiError(400, "DIGEST_INVALID", error.message);
  if (isRegistryError(error, "SIZE_MISMATCH")) return new ApiError(400, "SIZE_INVALID", error.message);
  if (isRegistryError(error, "INVALID_MANIFEST")) return new ApiError(400, "MANIFEST_INVALID", error.message);
  if (isRegistryError(error, "INVALID_REFERENCE")) return new ApiError(400, "NAME_INVALID", error.message);
  if (isRegistryError(error, "TOO_LARGE")) return new ApiError(413, "SIZE_INVALID", error.message);
  if (isRegistryError(error, "UNSUPPORTED")) return unsupported(error.message);
  return error;
}

/** The answer to a write where nothing can be written, and to methods nobody serves. */
export function unsupported(message: string): ApiError {
  return new ApiError(405, "UNSUPPORTED", message);
}
