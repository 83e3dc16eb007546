import type { Dispatcher } from "undici";
import { printable } from "../printable.ts";
import { withoutSecrets } from "../without-secrets.ts";
import { withoutSent } from "./without-sent.ts";

/** Response headers as undici parses them: lower-case names. */
export type ResponseHeaders = Parameters<NonNullable<Dispatcher.DispatchHandler["onResponseStart"]>>[2];

/** One header's value; of a repeated one the first. */
export function headerOf(headers: ResponseHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : value?.[0];
}

/** One header whose values are a list: what is repeated is put together, as if it had come in one line. */
export function listHeaderOf(headers: ResponseHeaders, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(", ") : value;
}

/** `Content-Length` in bytes, when it is there and a plain number. */
export function contentLengthOf(headers: ResponseHeaders): number | undefined {
  const text = headerOf(headers, "content-length")?.trim() ?? "";
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined;
}

/** `Content-Type` without its parameters, lower case. */
export function mediaTypeOf(headers: ResponseHeaders): string | undefined {
  const text = headerOf(headers, "content-type")?.split(";", 1)[0]?.trim().toLowerCase();
  return text === "" ? undefined : text;
}

/**
 * How the body was made smaller on its way, made printable; `undefined` when it comes as it is stored. Nobody asks for
 * that: digests, sizes and ranges are of the bytes as they are stored.
 */
export function contentEncodingOf(headers: ResponseHeaders): string | undefined {
  const text = listHeaderOf(headers, "content-encoding")?.trim().toLowerCase() ?? "";
  return text === "" || text === "identity" ? undefined : printable(text, 50);
}

/** How many bytes are stored, as a HEAD tells: its `Content-Length`, unless that is of an encoded body. */
export function storedSizeOf(headers: ResponseHeaders): number | undefined {
  return contentEncodingOf(headers) === undefined ? contentLengthOf(headers) : undefined;
}

/**
 * `Retry-After` in milliseconds from now: seconds, however many, or a date. A text without a time of day is no date:
 * `Date.parse` would find one in "in 2099", too.
 * @see RFC 9110, "Retry-After" and "Date/Time Formats"
 */
export function retryAfterMsOf(headers: ResponseHeaders, nowMs: number = Date.now()): number | undefined {
  const text = headerOf(headers, "retry-after")?.trim();
  if (text === undefined) return undefined;
  if (/^[0-9]+$/.test(text)) return Math.min(Number(text) * 1000, Number.MAX_SAFE_INTEGER);
  if (!/[0-9]{2}:[0-9]{2}:[0-9]{2}/.test(text)) return undefined;
  const atMs = Date.parse(/ [0-9]{4}$/.test(text) ? `${text} GMT` : text); // asctime's form names no zone, and means GMT
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

/** What a `Content-Range` of a 206 or 416 says; all in bytes, `end` is exclusive. */
export interface ContentRange {
  readonly start?: number;
  readonly end?: number;
  readonly total?: number;
}

/**
 * Parses `bytes 10-19/100`; a range or total of `*` is left out. `undefined` for anything else.
 * @see RFC 9110, "Range Units": their names know no case
 */
export function contentRangeOf(headers: ResponseHeaders): ContentRange | undefined {
  const match = /^bytes (?:([0-9]{1,15})-([0-9]{1,15})|\*)\/([0-9]{1,15}|\*)$/i.exec(
    headerOf(headers, "content-range")?.trim() ?? "",
  );
  if (!match) return undefined;
  const [, first, last, total] = match;
  return {
    ...(first === undefined || last === undefined ? {} : { start: Number(first), end: Number(last) + 1 }),
    ...(total === undefined || total === "*" ? {} : { total: Number(total) }),
  };
}

/** More warnings of one answer, and more of a warning's text, are not read. */
const maxWarnings = 10;
const maxWarningLength = 500;

/**
 * The texts of an answer's `Warning: 299 - "text"` headers, made printable; any other kind of warning is passed over.
 * What they say back of `sent`, the `Authorization` header that was answered so, is left out.
 * @see distribution-spec v1.1.1, "Warnings"
 */
export function warningsOf(headers: ResponseHeaders, sent?: string): readonly string[] {
  const value = headers.warning;
  const lines = typeof value === "string" ? [value] : (value ?? []);
  const texts = new Set<string>();
  for (const line of lines) {
    // one line may hold a list; reading ends where it is no longer one
    const next = /[ \t]*([0-9]{3}) ([^ ",]+) "((?:[^"\\]|\\.)*)"(?: "[^"]*")?[ \t]*(?:,|$)/y;
    for (let found = next.exec(line); found && texts.size < maxWarnings; found = next.exec(line)) {
      const [, code, agent, quoted = ""] = found;
      const unquoted = quoted.replace(/\\(.)/g, "$1");
      const text = printable(withoutSecrets(withoutSent(unquoted, sent)), maxWarningLength);
      if (code === "299" && agent === "-" && text !== "") texts.add(text);
    }
  }
  return [...texts];
}
