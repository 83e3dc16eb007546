import { expect, test } from "vitest";
import { timestampFields } from "./timestamp-fields.ts";

test.for([
  { seconds: 0, nanoseconds: 0, low: 0, extra: 0 },
  { seconds: 1, nanoseconds: 999_999_999, low: 1, extra: 999_999_999 * 4 },
  { seconds: -1, nanoseconds: 5, low: 0xffff_ffff, extra: 20 },
  { seconds: -(2 ** 31), nanoseconds: 0, low: 0x8000_0000, extra: 0 },
  { seconds: -(2 ** 31) - 1, nanoseconds: 9, low: 0, extra: 0 },
  { seconds: 2 ** 31 - 1, nanoseconds: 0, low: 0x7fff_ffff, extra: 0 },
  { seconds: 2 ** 31, nanoseconds: 0, low: 0x8000_0000, extra: 1 },
  { seconds: 2 ** 32, nanoseconds: 1, low: 0, extra: 5 },
  { seconds: 0x2_7fff_ffff, nanoseconds: 0, low: 0x7fff_ffff, extra: 2 },
  { seconds: 0x2_8000_0000, nanoseconds: 7, low: 0, extra: 0 }, // e2fsck takes such a one for one before 1970
])("second $seconds is kept as $low and $extra", ({ low, extra, ...timestamp }) => {
  expect(timestampFields(timestamp)).toEqual({ low, extra });
});
