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
 * Lets a write pass whose conditions hold; `current` is the entity tag of what the reference names now, if anything.
 * @throws ApiError `PRECONDITION_FAILED`
 * @see RFC 9110, "If-Match" and "If-None-Match"
 */
export function checkPreconditions(exchange: Exchange, current: string | undefined): void {
  if (isExpected(exchange, current) && !isKnown(exchange, current)) return;
  const message = current === undefined ? "there is nothing of that name" : "something else is there";
  throw new ApiError(412, "PRECONDITION_FAILED", message);
}

/**
 * Whether a read finds what its client says it has, so that it needs no bytes: the answer is a 304. `current` is the entity
 * tag of what is there, empty where that has none.
 * @throws ApiError `PRECONDITION_FAILED`
 * @see RFC 9110, "Evaluation of Preconditions"
 */
export function isNotModified(exchange: Exchange, current: string): boolean {
  if (isExpected(exchange, current)) return isKnown(exchange, current);
  throw new ApiError(412, "PRECONDITION_FAILED", "something else is there");
}

/** The `Range` header, unless it is for other content than what is there. @see RFC 9110, "If-Range" */
export function rangeFor(exchange: Exchange, current: string): string | undefined {
  const wanted = exchange.header("if-range");
  return wanted === undefined || wanted === current ? exchange.header("range") : undefined;
}

function isExpected(exchange: Exchange, current: string | undefined): boolean {
  const wanted = exchange.header("if-match");
  return wanted === undefined || names(tagsOf(wanted), current);
}

function isKnown(exchange: Exchange, current: string | undefined): boolean {
  const unwanted = exchange.header("if-none-match");
  if (unwanted === undefined) return false;
  return names(
    tagsOf(unwanted).map((tag) => tag.replace(/^W\//, "")), // seen weakly is seen, here and not for If-Match
    current,
  );
}

function tagsOf(header: string): readonly string[] {
  const tags = header.split(",").map((tag) => tag.trim());
  return tags.filter((tag) => tag !== "");
}

/** Whether one of the entity tags is that of what is there; a star is any. */
function names(tags: readonly string[], current: string | undefined): boolean {
  return current !== undefined && (tags.includes("*") || tags.includes(current));
}
