import type { Digest } from "../oci/digest.ts";
import { ApiError } from "./api-error.ts";
import type { Exchange } from "./exchange.ts";

/** The entity tag of content: its digest, in quotes. */
export function etagOf(digest: Digest): string {
  return `"${digest}"`;
}

/** Whether a request holds only under a condition on what is there. */
export function isConditional(exchange: Exchange): boolean {
  return exchange.header("if-match") !== undefined || exchange.header("if-none-match") !== undefined;
}

/**
 * Lets a write pass whose conditions hold; `current` is what the reference names now.
 * @throws ApiError `PRECONDITION_FAILED`
 * @see RFC 9110, "If-Match" and "If-None-Match"
 */
export function checkPreconditions(exchange: Exchange, current: Digest | undefined): void {
  const wanted = exchange.header("if-match");
  const unwanted = exchange.header("if-none-match");
  const holds =
    (wanted === undefined || names(wanted, current)) && (unwanted === undefined || !names(unwanted, current));
  if (holds) return;
  const message = current === undefined ? "there is no such manifest" : "the manifest is another one";
  throw new ApiError(412, "PRECONDITION_FAILED", message);
}

/** Whether one of a header's entity tags is that of what is there; a star is any. */
function names(header: string, current: Digest | undefined): boolean {
  if (current === undefined) return false;
  const tags = header.split(",").map((tag) => tag.trim());
  return tags.includes("*") || tags.includes(etagOf(current));
}
