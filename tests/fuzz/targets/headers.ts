import {
  contentLengthOf,
  contentRangeOf,
  mediaTypeOf,
  retryAfterMsOf,
  warningsOf,
} from "../../../packages/registry/src/remote/headers.ts";
import { parseByteRange, parseChunkRange } from "../../../packages/registry/src/server/byte-range.ts";
import { require, requireBytes, requireDecent } from "./oracle.ts";
import type { FuzzTarget } from "./target.ts";

const nowMs = Date.UTC(2026, 10, 21);
const sizes = [0, 1, 100, Number.MAX_SAFE_INTEGER] as const;

/** Headers with one value: each input is read as every one of them. */
export const headersTarget: FuzzTarget = {
  name: "headers",
  what: "Range, Content-Range, Content-Length, Content-Type, Retry-After and Warning",
  alphabet: "bytes",
  words: [
    "bytes=",
    "bytes ",
    "0-9",
    "-5",
    "5-",
    "*/10",
    "0-9/10",
    "/*",
    "0-,",
    "120",
    "Sat, 21 Nov 2026 10:00:00 GMT",
    "299 - ",
    '"text"',
    ', 299 - "b"',
    '"a\\"b"',
    "application/json",
    "; charset=utf-8",
    " ",
    "\t",
    ",",
    "999999999999999999",
  ],
  maxLength: 16 * 1024,
  judge: (input) => {
    const headers = Object.fromEntries(
      ["content-length", "content-range", "content-type", "retry-after", "warning"].map((name) => [name, input]),
    );
    const length = contentLengthOf(headers);
    const range = contentRangeOf(headers);
    const waitMs = retryAfterMsOf(headers, nowMs);
    const warnings = warningsOf(headers);
    const chunk = parseChunkRange(input);
    if (length !== undefined) requireBytes(length, "a length");
    for (const number of Object.values(range ?? {})) requireBytes(number, "a range");
    if (waitMs !== undefined) require(Number.isFinite(waitMs) && waitMs >= 0, `it asks to wait ${waitMs} ms`);
    require(mediaTypeOf(headers)?.includes(";") !== true, "a media type has parameters");
    require(warnings.length <= 10, `${warnings.length} warnings are read`);
    for (const warning of warnings) requireDecent(warning);
    if (chunk) {
      requireBytes(chunk.offset, "a chunk's place");
      requireBytes(chunk.length, "a chunk");
      require(chunk.length > 0, "a chunk of nothing");
    }
    const parts = sizes.map((size) => partOf(input, size));
    return [length, range, waitMs, chunk, ...parts].some((one) => one !== undefined) || warnings.length > 0;
  },
};

/** A part that is served lies in the body. */
function partOf(header: string, size: number): object | undefined {
  const part = parseByteRange(header, size);
  if (typeof part !== "object") return undefined;
  requireBytes(part.offset, "a part's place");
  require(part.length > 0 && part.offset + part.length <= size, `${part.length} bytes from ${part.offset} of ${size}`);
  return part;
}
