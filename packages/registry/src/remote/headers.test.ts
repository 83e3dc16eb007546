import { expect, test } from "vitest";
import { contentLengthOf, contentRangeOf, mediaTypeOf, retryAfterMsOf, warningsOf } from "./headers.ts";

test.for([
  ["0", 0],
  ["120", 120_000],
  ["Sat, 21 Nov 2026 10:00:30 GMT", 30_000],
  ["Sat, 21 Nov 2026 09:00:00 GMT", 0],
  ["Saturday, 21-Nov-26 10:00:30 GMT", 30_000],
  ["Sat Nov 21 10:00:30 2026", 30_000],
  ["1000000000", 1_000_000_000_000],
  ["99999999999999999999", Number.MAX_SAFE_INTEGER],
  ["-5", undefined],
  ["1.5", undefined],
  ["soon", undefined],
  ["soon 5", undefined],
  ["in 2099", undefined],
  ["1e9", undefined],
  ["", undefined],
] as const)("Retry-After %s", ([text, expected]) => {
  const nowMs = Date.UTC(2026, 10, 21, 10, 0, 0);
  expect(retryAfterMsOf({ "retry-after": text }, nowMs)).toBe(expected);
});

test.for([
  ["bytes 10-19/100", { start: 10, end: 20, total: 100 }],
  ["bytes 10-19/*", { start: 10, end: 20 }],
  ["bytes */100", { total: 100 }],
  ["Bytes 10-19/100", { start: 10, end: 20, total: 100 }],
  ["bytes 10-19", undefined],
  ["items 10-19/100", undefined],
  ["bytes -1-19/100", undefined],
  ["", undefined],
] as const)("Content-Range %s", ([text, expected]) => {
  expect(contentRangeOf({ "content-range": text })).toEqual(expected);
});

test.for([
  ["12", 12],
  ["0", 0],
  ["-1", undefined],
  ["0x10", undefined],
  ["1e3", undefined],
  ["", undefined],
] as const)("Content-Length %s", ([text, expected]) => {
  expect(contentLengthOf({ "content-length": text })).toBe(expected);
});

test("a Content-Type loses its parameters and its case", () => {
  expect(mediaTypeOf({ "content-type": "Application/JSON; charset=utf-8" })).toBe("application/json");
  expect(mediaTypeOf({ "content-type": "; charset=utf-8" })).toBeUndefined();
  expect(mediaTypeOf({})).toBeUndefined();
});

test.for([
  ['299 - "Your token will expire."', ["Your token will expire."]],
  ['299 - "a \\"quoted\\" word, with a comma"', ['a "quoted" word, with a comma']],
  ['299 - "one", 299 - "two" "Sat, 21 Nov 2026 10:00:30 GMT",299 - "three"', ["one", "two", "three"]],
  [
    ['299 - "one"', '299 - "two"', '299 - "one"'],
    ["one", "two"],
  ],
  ['110 - "stale", 299 - "fresh", 299 proxy "other"', ["fresh"]],
  ['299 - "\u001b[31mred\u0007"', ["[31mred"]],
  ['299 - ""', []],
  ["299 - unquoted", []],
  ['299 - "never ends', []],
  ['299 - "one" and more, 299 - "two"', []],
  [Array.from({ length: 30 }, (_, n) => `299 - "${n}"`), Array.from({ length: 10 }, (_, n) => `${n}`)],
  [`299 - "${"x".repeat(9000)}"`, ["x".repeat(500)]],
] as const)("Warning %j", ([warning, expected]) => {
  expect(warningsOf({ warning: typeof warning === "string" ? warning : [...warning] })).toEqual(expected);
});
