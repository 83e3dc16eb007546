import { expect, test } from "vitest";
import { type Constraint, isConstraint, parseConstraint } from "./constraint.ts";
import { explainVersions, selectVersions } from "./select-versions.ts";

const channels = ["alpha", "beta", "early-access", "stable", "rock-solid"];

function constraint(text: string): Constraint {
  const parsed = parseConstraint(text);
  if (!isConstraint(parsed)) throw new Error(`${text}: ${parsed.reason}`);
  return parsed;
}

/** Words, oldest first; several constraints are separated by ` + `. */
function selected(expression: string, tags: string): string {
  const constraints = expression === "" ? [] : expression.split(" + ").map(constraint);
  return [...selectVersions(constraints, [...tags.split(" "), ...channels])].reverse().join(" ");
}

const main = "v1.0.0 v1.1.0 v1.2.0 v1.3.0 v1.3.3 v1.4.0 v1.4.1";

test.for([
  ["", ""],
  ["1.3.0", "v1.3.3 v1.4.1"],
  ["^1.3.0", "v1.3.3 v1.4.1"],
  ["~1.3.0", "v1.3.3"],
  ["~>1.3.0", "v1.3.3"],
  ["~1.3", "v1.3.3"],
  ["~1.3.x", "v1.3.3"],
  ["^1", "v1.0.0 v1.1.0 v1.2.0 v1.3.3 v1.4.1"],
  ["~1", "v1.0.0 v1.1.0 v1.2.0 v1.3.3 v1.4.1"],
  ["^1.x", "v1.0.0 v1.1.0 v1.2.0 v1.3.3 v1.4.1"],
  [">=1.3.0", "v1.3.0 v1.3.3 v1.4.1"],
  [">=v1.3.0", "v1.3.0 v1.3.3 v1.4.1"],
  [">= 1.3.0", "v1.3.0 v1.3.3 v1.4.1"],
  [">=1.3.0 <=1.4.0", "v1.3.0 v1.3.3 v1.4.0"],
  [">=1.3.0,<=1.4.0", "v1.3.0 v1.3.3 v1.4.0"],
  [">=1.3.0, <=1.4.0", "v1.3.0 v1.3.3 v1.4.0"],
  [">=1.3 <=1.4", "v1.3.0 v1.3.3 v1.4.0 v1.4.1"],
  [">1.3", "v1.4.1"],
  [">1.3.x", "v1.4.1"],
  [">1", ""],
  [">1.3.0 <1.4.1", "v1.3.3 v1.4.0"],
  ["<1.3.0", "v1.0.0 v1.1.0 v1.2.0"],
  ["<=1.3.0", "v1.0.0 v1.1.0 v1.2.0 v1.3.0"],
  ["<=1.3", "v1.0.0 v1.1.0 v1.2.0 v1.3.0 v1.3.3"],
  [">=1.0.0 !=1.3.3", "v1.0.0 v1.1.0 v1.2.0 v1.3.0 v1.4.1"],
  [">=1.2.0,<1.4.0", "v1.2.0 v1.3.3"],
  ["~1.3.0||~1.4.0", "v1.3.3 v1.4.1"],
  ["^1.3.0 <1.4", "v1.3.3"],
  [">=2.0.0 <1.0.0", ""],
  ["=v1.3.0", "v1.3.0"],
  ["=v9.9.9", "v9.9.9"],
  ["=v1.3.0 + ~1.4.0", "v1.3.0 v1.4.1"],
  ["=v1.3.0 + =v1.4.0", "v1.3.0 v1.4.0"],
] as const)("of seven versions in five lines, %j selects %j", ([expression, expected]) => {
  expect(selected(expression, main)).toBe(expected);
});

test.for([
  ["0.4.0", "v0.4.4 v0.5.3 v0.6.1 v0.7.2"],
  ["^0.4.0", "v0.4.4"],
  ["~0.4.0", "v0.4.4"],
  [">=0.4.0", "v0.4.4 v0.5.3 v0.6.1 v0.7.2 v1.0.0"],
  ["0", "v0.4.4 v0.5.3 v0.6.1 v0.7.2"],
  ["^0", "v0.4.4 v0.5.3 v0.6.1 v0.7.2"],
  ["~0", "v0.4.4 v0.5.3 v0.6.1 v0.7.2"],
  ["0.5", "v0.5.3 v0.6.1 v0.7.2"],
  ["^0.5", "v0.5.3"],
  ["^0.0.3", ""],
  ["~0.0.3", ""],
] as const)("of a 0 line, %j selects %j", ([expression, expected]) => {
  expect(selected(expression, "v0.4.2 v0.4.4 v0.5.1 v0.5.3 v0.6.1 v0.7.2 v1.0.0")).toBe(expected);
});

test.for([
  ["v1.6.0 v1.6.1 v1.6.2 v1.6.3 v1.6.4 v1.6.5 v1.7.0 v1.7.1 v1.8.0", ">=1.6.0 <1.8.0", "v1.6.0 v1.6.5 v1.7.1"],
  ["v1.39.5 v1.40.0 v1.40.1 v1.41.0 v1.41.2", ">=1.40.0", "v1.40.0 v1.40.1 v1.41.2"],
  ["v1.40.0 v1.40.1 v1.41.0 v1.42.0 v1.42.5 v1.42.7", ">=1.40.0 <=1.42.5", "v1.40.0 v1.40.1 v1.41.0 v1.42.5"],
  ["v1.40.0 v1.40.1 v1.41.0 v1.41.3", ">1.40.0 <1.42.0", "v1.40.1 v1.41.3"],
  ["v1.6.0 v1.6.1 v1.6.2 v1.6.3 v1.6.4 v1.6.5 v1.7.0 v1.7.1", "^1.6.0", "v1.6.5 v1.7.1"],
  ["v1.6.0 v1.6.1 v1.6.2 v1.6.3 v1.6.4 v1.6.5 v1.7.0 v1.7.1", "v1.6.0", "v1.6.5 v1.7.1"],
  ["v1.40.1 v1.40.2 v1.41.0", ">=1.40.0", "v1.40.2 v1.41.0"],
  ["v1.52.0 v1.53.1 v1.53.2 v1.54.1 v1.55.1 v2.0.0", "1.52.0", "v1.52.0 v1.53.2 v1.54.1 v1.55.1"],
] as const)("of %s, %j selects %j", ([tags, expression, expected]) => {
  expect(selected(expression, tags)).toBe(expected);
});

test.for([
  ["1.5.0", "v1.5.0 v1.6.0"],
  ["^1.5.0", "v1.5.0 v1.6.0"],
  [">=1.5.0", "v1.5.0 v1.6.0"],
  [">=1.5.0-0", "v1.5.0 v1.5.1-rc.1 v1.6.0"],
  ["1.5.0-rc.1", "v1.5.0 v1.5.1-rc.1 v1.6.0"],
  ["^1.5.0-rc.1", "v1.5.0 v1.5.1-rc.1 v1.6.0"],
  [">=1.5.0-rc.1", "v1.5.0-rc.1 v1.5.0 v1.5.1-rc.1 v1.6.0"],
  [">=1.5.0-rc.1 <1.5.0", "v1.5.0-rc.1"],
  ["=v1.5.0-rc.1", "v1.5.0-rc.1"],
] as const)("among prereleases, %j selects %j: the stable patch stays", ([expression, expected]) => {
  expect(selected(expression, "v1.5.0-rc.1 v1.5.0 v1.5.1-rc.1 v1.6.0-alpha v1.6.0")).toBe(expected);
});

test("the registry's own tags are given, whatever their spelling, and what is no version is not", () => {
  const odd = "1.2.3 v1.2 v01.3.0 20240101 v1.6.0.1 v1.4.0_b sha256-ab.att v1.2.3.att v2.0.0";
  expect(selected(">=0.0.1", odd)).toBe("1.2.3 v01.3.0 v2.0.0");
});

test("of two tags for one version, the one with a v is taken", () => {
  expect(selected(">=1.0.0", "1.0.0 v1.0.0 1.0.1")).toBe("v1.0.0 1.0.1");
});

test("every tag is explained, newest version first", () => {
  const tags = ["stable", "v1.3.0", "v1.3.3", "1.3.3", "v1.4.0", "v1.2.0", "v1.5.0-rc.1", "v2.0.0"];
  const verdicts = explainVersions([constraint(">=1.3.0 <2.0.0"), constraint("=v1.2.0"), constraint("=dev")], tags);
  expect(verdicts.map(({ tag, why, instead }) => [tag, why, ...(instead === undefined ? [] : [instead])])).toEqual([
    ["v2.0.0", "outside"],
    ["v1.5.0-rc.1", "prerelease"],
    ["v1.4.0", "newest-patch"],
    ["v1.3.3", "newest-patch"],
    ["1.3.3", "same-version", "v1.3.3"],
    ["v1.3.0", "bound"],
    ["v1.2.0", "exact"],
    ["stable", "not-a-version"],
    ["dev", "exact"],
  ]);
});

test("a bound that nobody published is not made up", () => {
  expect(selected(">=9.0.0", main)).toBe("");
});

test("what one range leaves out another may take", () => {
  expect(selected("~1.3.0 + >=1.3.0 <1.3.1", main)).toBe("v1.3.0 v1.3.3");
});
