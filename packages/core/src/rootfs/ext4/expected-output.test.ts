import { expect, test } from "vitest";
import { ExpectedOutput } from "./expected-output.ts";

const texts = ["first\n", "", "second \xff\n", "x".repeat(70_000), "end"];
const whole = Buffer.from(texts.join(""), "latin1");

test.for([
  { name: "all of it", output: whole, isMatch: true, isComplete: true },
  { name: "nothing", output: Buffer.of(), isMatch: true, isComplete: false },
  { name: "a part of it", output: whole.subarray(0, 8), isMatch: true, isComplete: false },
  { name: "all but a byte", output: whole.subarray(0, -1), isMatch: true, isComplete: false },
  { name: "a byte more", output: Buffer.concat([whole, Buffer.of(10)]), isMatch: false, isComplete: true },
  { name: "another byte", output: Buffer.from("firsT\n"), isMatch: false, isComplete: false },
])("output that is $name matches: $isMatch, and is complete: $isComplete", ({ output, isMatch, isComplete }) => {
  for (const chunkBytes of [1000, 65_536, 1_000_000]) {
    const expected = new ExpectedOutput(texts);
    const matches: boolean[] = [];
    for (let at = 0; at < output.byteLength; at += chunkBytes) {
      matches.push(expected.matches(output.subarray(at, at + chunkBytes)));
    }
    expect(matches.every(Boolean)).toBe(isMatch);
    if (isMatch || isComplete) expect(expected.isComplete()).toBe(isComplete);
  }
});
