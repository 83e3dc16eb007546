import { SemVer } from "semver";
import { expect, test } from "vitest";
import { parseVersionRange, versionLine } from "./version-range.ts";

const includes = (range: string, version: string) => parseVersionRange(range)?.includes(new SemVer(version));

test.for([
  [">=1.3.0", "1.3.0", true],
  [">=1.3.0", "1.2.9", false],
  [">= v1.3.0", "1.3.1", true],
  [">1.3", "1.3.9", false],
  [">1.3", "1.4.0", true],
  [">1.3.x", "1.3.9", false],
  [">1", "1.9.9", false],
  [">1", "2.0.0", true],
  ["<1.3", "1.2.9", true],
  ["<1.3", "1.3.0", false],
  ["<=1.3", "1.3.9", true],
  ["<=1.3", "1.4.0", false],
  ["<=1", "1.9.9", true],
  ["=1.3", "1.3.7", true],
  ["=1.3.0", "1.3.7", false],
  ["!=1.3", "1.3.7", false],
  ["!=1.3.0", "1.3.7", true],
  ["~1.3.2", "1.3.1", false],
  ["~1.3.2", "1.3.9", true],
  ["~1.3.2", "1.4.0", false],
  ["~>1.3.x", "1.3.0", true],
  ["~1", "1.9.0", true],
  ["~0.0.3", "0.0.9", true],
  ["^1.3.0", "1.9.0", true],
  ["^1.3.0", "2.0.0", false],
  ["^0.4.0", "0.4.9", true],
  ["^0.4.0", "0.5.0", false],
  ["^0.0.3", "0.0.3", true],
  ["^0.0.3", "0.0.4", false],
  ["^0", "0.9.0", true],
  ["^0", "1.0.0", false],
  ["^0.0", "0.0.9", true],
  ["^0.0", "0.1.0", false],
  ["^1.x", "1.9.0", true],
  [">=1.0.0 !=1.3.3", "1.3.3", false],
  [">=1.2.0,<1.4.0", "1.3.0", true],
  [">=1.2.0, <1.4.0", "1.4.0", false],
  ["~1.3.0||~1.5.0", "1.5.1", true],
  ["~1.3.0 || ~1.5.0", "1.4.1", false],
  ["=>1.3.0 =<1.4.0", "1.4.0", true],
  [">=01.03.0 <v01.4", "1.3.9", true],
  ["~01.3", "1.4.0", false],
  [">=1.5.0", "1.6.0-rc.1", false],
  [">=1.5.0-0", "1.6.0-rc.1", true],
  [">=1.5.0-0 <2.0.0", "1.6.0-rc.1", true],
  [">=1.5.0-0 || >=2.0.0", "2.1.0-rc.1", true],
  [">=1.0.0 <1.5.0 || >=2.0.0-0", "1.2.0-rc.1", false],
  [">=2.0.0 <1.0.0", "1.5.0", false],
] as const)("%s holds for %s: %s", ([range, version, isIn]) => {
  expect(includes(range, version)).toBe(isIn);
});

test.for([
  ">=foo",
  "^^1.0",
  "1.64.",
  ">=1.64.",
  ">=1.0.0||",
  "||",
  "",
  ">=1.x",
  "<=1.*",
  "=>1.x",
  ">=1.0.0 &",
  ">=1.2.3.4",
  ">=1.0.0<2.0.0",
  `>=${"9".repeat(20)}.0.0`,
  ">1.3-rc.1",
])("%j is no range", (text) => {
  expect(parseVersionRange(text)).toBeUndefined();
});

test("versions behind >= and <= are anchors, in every spelling, and no others", () => {
  const range = parseVersionRange(">=1.3 <=1.4.0 || =>2.0.0 =<2.1.0 >1.0.0 <9.0.0 ~5.0.0 ^6.0.0 !=7.0.0");
  expect(range?.anchors.map(String)).toEqual(["1.3.0", "1.4.0", "2.0.0", "2.1.0"]);
});

test.for([
  ["1.2.3", "1.2.3", true],
  ["1.2.3", "1.9.0", true],
  ["1.2.3", "2.0.0", false],
  ["v1.2", "1.2.0", true],
  ["1", "1.0.0", true],
  ["0.4.0", "0.9.0", true],
  ["0.4.0", "1.0.0", false],
  ["01.02", "1.2.0", true],
  ["1.5.0-rc.1", "1.5.1-rc.1", true],
  ["1.5.0", "1.5.1-rc.1", false],
] as const)("the line of %s holds %s: %s", ([text, version, isIn]) => {
  expect(versionLine(text)?.includes(new SemVer(version))).toBe(isIn);
});

test.for(["invalid", "latest", "*", "1.x", "!=1.3.0", "1.2.0 - 1.4.0", "1.2.3.4", "", ">=1.0.0", "1.0.0 2.0.0"])(
  "%j is no version line",
  (text) => {
    expect(versionLine(text)).toBeUndefined();
  },
);

test("a line has no anchors", () => {
  expect(versionLine("1.2.3")?.anchors).toEqual([]);
});

test("an expression of hostile length is read to its end and refused", () => {
  expect(parseVersionRange(`>=1.0.0 ${"!=1.0.0 ".repeat(20_000)}?`)).toBeUndefined();
});
