import { expect, test } from "vitest";
import { crc32c } from "./crc32c.ts";

test.for([
  { text: "123456789", sum: 0xe3069283 }, // the check value of this CRC
  { text: "", sum: 0 },
])("the sum of $text", ({ text, sum }) => {
  expect(~crc32c(0xffff_ffff, Buffer.from(text)) >>> 0).toBe(sum);
});
