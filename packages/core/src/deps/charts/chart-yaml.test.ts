import { expect, test } from "vitest";
import { parseChartYaml } from "./chart-yaml.ts";

function read(text: string) {
  return parseChartYaml(Buffer.from(text), undefined, "the chart");
}

test("a key that is there twice is refused, wherever it is", () => {
  expect(() => read("name: a\nversion: 1.0.0\nname: b\n")).toThrow("the key name is there twice");
  expect(() => read("name: a\nversion: 1.0.0\nannotations: { b: c, b: d }\n")).toThrow("the key b is there twice");
});

test("very many keys are read at once, and very many aliases refused", { timeout: 10_000 }, () => {
  const keys = Array.from({ length: 20_000 }, (_, at) => `k${at.toString(36)}:\n`).join("");
  expect(read(`name: a\nversion: 1.0.0\n${keys}`).name).toBe("a");
  expect(() => read(`a:\n${"- &a [*a]\n".repeat(20_000)}`)).toThrow("it has more than 200 aliases");
});

test("a file of nothing but signs is refused before much is made of it, and deep ones are told as deep", () => {
  const before = process.memoryUsage.rss();
  expect(() => read("{}\n".repeat(300_000))).toThrow("more than 400000 words and signs");
  expect(() => read("- ".repeat(100_000))).toThrow("it is nested too deeply");
  expect(process.memoryUsage.rss() - before).toBeLessThan(400 * 1024 * 1024);
});

test("a key that is a list or a mapping is refused at once, however deep, and by an alias too", {
  timeout: 5_000,
}, () => {
  const reason = "a key is a list or a mapping";
  expect(() => read("? ".repeat(500))).toThrow(reason);
  expect(() => read("name: a\nannotations:\n  ? [a, b]\n  : c\n")).toThrow(reason);
  expect(() => read("name: &a { b: c }\nannotations: { *a : d }\n")).toThrow(reason);
  expect(read("name: &a b\nversion: 1.0.0\nannotations: { *a : d, ? e : f }\n").annotations).toEqual({
    b: "d",
    e: "f",
  });
});

test("the errors of everybody else say where they come from, as before", () => {
  expect(() => read("[")).toThrow("cannot be read");
  expect(new Error("mine").stack).toContain("chart-yaml.test.ts");
});
