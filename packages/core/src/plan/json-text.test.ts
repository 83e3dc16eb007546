import * as fc from "fast-check";
import { expect, it } from "vitest";
import { jsonText } from "./json-text.ts";

it("writes what JSON.stringify writes", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      expect([...jsonText(value)].join("")).toBe(`${JSON.stringify(value, undefined, 2)}\n`);
    }),
  );
});

it("leaves out what is undefined", () => {
  const value = { a: undefined, list: [{ b: undefined, c: [1, undefined] }], empty: {}, none: [], d: { e: undefined } };
  expect([...jsonText(value)].join("")).toBe(`${JSON.stringify(value, undefined, 2)}\n`);
});

it("hands on a long list in pieces", () => {
  const value = { list: Array.from({ length: 10_000 }, (_, at) => ({ at, names: [`name ${at}`] })) };
  const pieces = [...jsonText(value)];
  expect(pieces.join("")).toBe(`${JSON.stringify(value, undefined, 2)}\n`);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(70_000);
});
