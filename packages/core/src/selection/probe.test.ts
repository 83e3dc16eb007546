import { expect, test } from "vitest";
import { probeVersions } from "./probe.ts";
import { parseVersionRange } from "./version-range.ts";

/** Versions without the `v`; `1.64.0 .1` stands for two patches. */
function expand(text: string): readonly string[] {
  let line = "";
  return text.split(/[ ,]+/).flatMap((word) => {
    if (word === "") return [];
    if (!word.startsWith(".")) line = word.replace(/\.[0-9]+$/, "");
    return word.startsWith(".") ? `v${line}${word}` : `v${word}`;
  });
}

async function probe(text: string, there: string) {
  const range = parseVersionRange(text);
  if (!range) throw new Error(`${text} is no range`);
  const published = new Set(expand(there));
  const asked: string[] = [];
  const found = await probeVersions(range, async (tag) => {
    asked.push(tag);
    return published.has(tag);
  });
  return { asked, found };
}

test.for([
  ["^1.64.0", "1.64.0 .1 .2", "1.64.0 .1 .2 .3, 1.65.0", "1.64.0 .1 .2"],
  [">=1.64.0 <2.0.0", "1.65.0 .1", "1.64.0, 1.65.0 .1 .2, 1.66.0", "1.65.0 .1"],
  [">=1.64.0 <=1.65.0", "1.64.0 .1, 1.65.0 .1 .2", "1.64.0 .1 .2, 1.65.0", "1.64.0 .1, 1.65.0"],
  [">=1.0.0 <3.0.0", "1.0.0, 2.0.0 .1", "1.0.0 .1, 1.1.0, 2.0.0 .1 .2, 2.1.0", "1.0.0, 2.0.0 .1"],
  ["^1.99.0", "", "1.99.0, 1.100.0", ""],
  [">1.0.0 <=1.5.0", "1.0.0 .1 .2, 1.1.0", "1.0.1 .2 .3, 1.1.0 .1, 1.2.0", "1.0.1 .2, 1.1.0"],
  [">1.3 <2.0.0", "1.3.0, 1.4.0", "1.4.0 .1, 1.5.0", "1.4.0"],
  ["<=1.3.0", "1.0.0, 1.1.0, 1.3.0", "0.0.0, 0.1.0, 1.0.0 .1, 1.1.0 .1, 1.2.0", "1.0.0, 1.1.0"],
  ["~1.3.0 || ~1.5.0", "1.3.0, 1.5.0", "1.3.0 .1, 1.5.0 .1", "1.3.0, 1.5.0"],
  [">=1.64 <=1.68", "1.64.0, 1.65.0", "1.64.0 .1, 1.65.0 .1, 1.66.0", "1.64.0, 1.65.0"],
  [">=1.65.0-rc.1 <1.66.0", "1.65.0", "1.65.0 .1", "1.65.0"],
  [">=1.0.0 !=1.0.1", "1.0.0 .1 .2", "1.0.0 .2 .3, 1.1.0, 2.0.0", "1.0.0 .2"],
  [">=1.0.0 !=1.0.1 !=1.0.2", "1.0.0 .3", "1.0.0 .3 .4, 1.1.0, 2.0.0", "1.0.0 .3"],
  [">=1.0.0 !=1.1", "1.0.0, 1.1.0, 1.2.0", "1.0.0 .1, 1.2.0 .1, 1.3.0, 2.0.0", "1.0.0, 1.2.0"],
  [">=1.0.0 !=1.1.0", "1.0.0, 1.1.1", "1.0.0 .1, 1.1.1 .2, 1.2.0, 2.0.0", "1.0.0, 1.1.1"],
  ["<2.0.0", "1.0.0 .1", "0.0.0, 0.1.0, 1.0.0 .1 .2, 1.1.0", "1.0.0 .1"],
  ["~1.65.0", "1.65.0 .1 .3, 1.66.0", "1.65.0 .1 .2", "1.65.0 .1"],
  ["^1.65.0", "1.65.0, 1.67.0", "1.65.0 .1, 1.66.0", "1.65.0"],
  [">=1.64.0 <=1.68.0", "1.64.0", "1.64.0 .1, 1.65.0", "1.64.0"],
  ["<=1.68.0 >=1.64.0", "1.64.0", "1.64.0 .1, 1.65.0", "1.64.0"],
  [">=v1.50.0 <2.0.0", "1.50.0", "1.50.0 .1, 1.51.0", "1.50.0"],
] as const)("%s among %j asks for %j and finds %j", async ([text, there, requests, expected]) => {
  expect(await probe(text, there)).toEqual({ asked: expand(requests), found: expand(expected) });
});

test("a registry that cannot answer ends the search", async () => {
  const range = parseVersionRange("^1.0.0");
  if (!range) return expect.unreachable();
  const failure = new Error("503");
  await expect(probeVersions(range, () => Promise.reject(failure))).rejects.toBe(failure);
});

test("a registry that has whatever it is asked for is not asked for ever", async () => {
  const range = parseVersionRange(">=1.0.0");
  if (!range) return expect.unreachable();
  const asked: string[] = [];
  const exists = async (tag: string) => asked.push(tag) > 0;
  await expect(probeVersions(range, exists, { maxFound: 20 })).rejects.toMatchObject({ code: "SELECTION_INVALID" });
  expect(asked).toHaveLength(20);
});

test("a search that was given up asks nothing", async () => {
  const range = parseVersionRange("^1.0.0");
  if (!range) return expect.unreachable();
  const asked: string[] = [];
  const exists = async (tag: string) => asked.push(tag) > 0;
  await expect(probeVersions(range, exists, { signal: AbortSignal.abort("stop") })).rejects.toBe("stop");
  expect(asked).toEqual([]);
});
