import { expect, test } from "vitest";
import { formatExportFile, parseExportFile } from "./export-file.ts";

const content = { items: [], files: [], copies: [], links: [], mirrors: [], state: [] };

test("what is known of the manifests is read as it was written, however deep", () => {
  const value = { a: [1.5, -1, null, "1e999", { b: true }] };
  const state = [{ key: "manifest/components", value }, { key: "manifest/seeds" }];
  expect(parseExportFile(formatExportFile({ ...content, state }), "cache.tar").state).toEqual(state);
});

test.for(["1e999", "-1e999", '[[0,{"a":1e400}]]', "-0"])(
  "a number that could not be written again is refused: %s",
  (value) => {
    const text = Buffer.from(
      formatExportFile({ ...content, state: [{ key: "manifest/a", value: "HERE" }] }),
    ).toString();
    const parse = () => parseExportFile(Buffer.from(text.replace('"HERE"', value)), "cache.tar");
    expect(parse).toThrow("state.0.value: holds a number that cannot be written again");
  },
);

test("a value with very many parts is looked at in no time, and with little stack", () => {
  const state = [{ key: "manifest/a", value: Array.from({ length: 300_000 }, () => 0) }];
  expect(parseExportFile(formatExportFile({ ...content, state }), "cache.tar").state).toHaveLength(1);
});
