import type { RegistryError } from "../errors.ts";
import { printable } from "../printable.ts";
import type { ResponseHead } from "../remote/exchange.ts";
import {
  contentEncodingOf,
  contentLengthOf,
  contentRangeOf,
  headerOf,
  mediaTypeOf,
  type ResponseHeaders,
} from "../remote/headers.ts";
import { type Operation, protocolError } from "../remote/operation.ts";
import type { FetchedFile } from "./file-fetcher.ts";

/** What a request for a file asked for. */
export interface FileQuestion {
  /** Where the range begins that was asked for; 0 for none. */
  readonly offset: number;
  readonly isConditional: boolean;
  readonly operation: Operation;
}

/** What an answer says of itself. */
export interface FileNews extends Pick<FetchedFile, "outcome" | "size" | "etag"> {
  /** How many bytes its body has, if it says so. */
  readonly length?: number | undefined;
}

/**
 * What an answer means that has the file, the rest of it, or nothing new; `undefined` for one that is a failure.
 * @throws RegistryError `PROTOCOL` for one that contradicts the question or itself
 * @see RFC 9110, "Range Requests" and "Conditional Requests"
 */
export function newsOf({ status, headers }: ResponseHead, question: FileQuestion): FileNews | undefined {
  const etag = etagOf(headers);
  switch (status) {
    case 200: {
      refuseCoded(headers, question);
      const length = contentLengthOf(headers);
      return { outcome: "whole", size: length, length, etag };
    }
    case 206:
      refuseCoded(headers, question);
      return { outcome: "rest", ...restOf(headers, question), etag };
    case 304:
      return question.isConditional ? { outcome: "unchanged", length: 0, etag } : undefined;
    case 416:
      return question.offset > 0 ? { outcome: "beyond", size: endOf(headers, question), length: 0, etag } : undefined;
    default:
      return undefined;
  }
}

function restOf(headers: ResponseHeaders, question: FileQuestion): Required<Pick<FileNews, "size" | "length">> {
  const { offset } = question;
  if (offset === 0) throw refused(question, "206 to a request for the whole file");
  if (mediaTypeOf(headers) === "multipart/byteranges") throw refused(question, "206 with several parts");
  const { start, end, total } = contentRangeOf(headers) ?? {};
  if (start !== offset || end === undefined || end <= start || end !== total) {
    const said = printable(headerOf(headers, "content-range") ?? "no Content-Range", 100);
    throw refused(question, `206 with another range than all from byte ${offset} on: ${said}`);
  }
  const length = contentLengthOf(headers) ?? end - start;
  if (length !== end - start) throw refused(question, `206 with ${length} bytes in place of ${end - start}`);
  return { size: total, length };
}

function endOf(headers: ResponseHeaders, question: FileQuestion): number | undefined {
  const size = contentRangeOf(headers)?.total;
  if (size === undefined || size <= question.offset) return size;
  throw refused(question, `416 to all from byte ${question.offset} of ${size} on`);
}

/** Nobody asked for a coding, and a coded body is not what lies there: ranges and digests are of the bytes as stored. */
function refuseCoded(headers: ResponseHeaders, question: FileQuestion): void {
  const coding = contentEncodingOf(headers);
  if (coding !== undefined) throw refused(question, `the answer is encoded: ${coding}`);
}

/** A version that can be sent back; the quotes are missing at some servers, and belong to it at all others. */
function etagOf(headers: ResponseHeaders): string | undefined {
  const etag = headerOf(headers, "etag")?.trim() ?? "";
  return isVersion(etag) ? etag : undefined;
}

/** Whether text can be the version of a file in a header. */
export function isVersion(text: string): boolean {
  return /^[\x21-\x7e]{1,1024}$/.test(text);
}

function refused({ operation }: FileQuestion, reason: string): RegistryError {
  return protocolError(operation, reason);
}
