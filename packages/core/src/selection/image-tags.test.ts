import { describe, expect, test } from "vitest";
import { parseImageExclusion } from "./image-expression.ts";
import { regexPattern } from "./image-pattern.ts";
import { exclusionQuery, imageQuery } from "./image-query.ts";
import { explainTags } from "./image-tags.ts";

const signature = `sha256-${"a".repeat(64)}.sig`;
const tags = [
  ...["v1.2.0", "v1.2.1", "1.2.1", "v1.3.0", "v1.3.1", "v1.3.2-rc.1", "v2.0.0", "v2.1.0-rc.1"],
  ...["1.3", "edge", "v1", "v1.3.1-alpine", signature],
];

/** What an expression takes of the tags. */
function taken(selectors: string, ...exclude: readonly string[]): readonly string[] {
  const more = exclude.map((text) => exclusionQuery(parseImageExclusion(text), text));
  const verdicts = explainTags(imageQuery(`example.com/app@${selectors}`), tags, more);
  return verdicts.flatMap(({ tag, isSelected }) => (isSelected ? tag : []));
}

describe("of the tags, it takes", () => {
  test.for([
    ["^1.2", ["v1.3.1", "v1.3.0", "v1.2.1", "1.2.1", "v1.2.0"]],
    [">=1.3 <2", ["v1.3.1", "v1.3.0"]],
    [">=1.3.0-0 <2", ["v1.3.2-rc.1", "v1.3.1", "v1.3.1-alpine", "v1.3.0"]],
    ["since:1.3", ["v2.0.0", "v1.3.1", "v1.3.0"]],
    ["latest:1", ["v2.0.0"]],
    ["latest:4", ["v2.0.0", "v1.3.1", "v1.3.0", "v1.2.1", "1.2.1"]],
    ["^1 & latest:1", ["v1.3.1"]],
    ["latest-patch", ["v2.0.0", "v1.3.1", "v1.2.1", "1.2.1"]],
    ["latest-patch:2 & latest:4", ["v2.0.0", "v1.3.1", "v1.3.0", "v1.2.1", "1.2.1"]],
    ["/^v\\d+$/", ["v1"]],
    ["/^v1/ & latest-patch", ["v1.3.1", "v1.2.1"]],
    ["*-rc.?", ["v2.1.0-rc.1", "v1.3.2-rc.1"]],
    ["1.*", ["1.2.1", "1.3"]],
    ["* & !v* & !=edge", ["1.2.1", "1.3"]],
    ["!/^v/", ["1.2.1", "1.3", "edge"]],
    [">=1.0.0-0 & *-alpine & latest:1", ["v1.3.1-alpine"]],
    ["* & !>=0.0.0-0", ["1.3", "edge", "v1"]],
    ["^9", []],
    ["/^v/ & *-rc.1 & latest:1", []],
  ] as const)("%s: %j", ([selectors, wanted]) => expect(taken(selectors)).toEqual(wanted));

  test("what no exclusion takes out: of its repository or of all, where the whole of one holds", () => {
    expect(taken("^1", "example.com/app@~1.3 & /0$/", "*@1.2.*")).toEqual(["v1.3.1", "v1.2.1", "v1.2.0"]);
    expect(taken("latest:1", "example.com/app@^2")).toEqual(["v1.3.1"]);
    expect(taken("=v7.0.0")).toEqual(["v7.0.0"]);
    expect(taken("=v7.0.0", "*:v7.0.0")).toEqual([]);
  });
});

test("every tag has a reason, with what decided", () => {
  const verdicts = explainTags(imageQuery("example.com/app@^1 & /\\d$/ & !=v1.3.0 & latest-patch"), tags);
  expect(verdicts.map(({ tag, why, by, instead }) => [tag, why, by ?? instead])).toEqual([
    ["v2.1.0-rc.1", "prerelease", "^1"],
    ["v2.0.0", "outside", "^1"],
    ["v1.3.2-rc.1", "prerelease", "^1"],
    ["v1.3.1", "newest-patch", "latest-patch:1"],
    ["v1.3.1-alpine", "prerelease", "^1"],
    ["v1.3.0", "excluded", "!=v1.3.0"],
    ["v1.2.1", "newest-patch", "latest-patch:1"],
    ["1.2.1", "newest-patch", "latest-patch:1"],
    ["v1.2.0", "older-patch", "latest-patch:1"],
    ["1.3", "not-a-version", undefined],
    ["edge", "not-a-version", undefined],
    [signature, "attached", undefined],
    ["v1", "not-a-version", undefined],
  ]);
  expect(verdicts.find(({ tag }) => tag === "v1.2.0")?.instead).toBe("v1.2.1");
});

test("a regular expression that comes to no end is stopped, and longer texts than tags are not tried", () => {
  const slow = regexPattern("^(a+)+$", 20);
  expect(() => slow?.pick([`${"a".repeat(100)}!`])).toThrow("takes more than 20 ms for 1 tags");
  expect(regexPattern("^(a+)+$")?.pick(["aa", "b", `${"a".repeat(200)}!`])).toEqual(new Set(["aa"]));
});
