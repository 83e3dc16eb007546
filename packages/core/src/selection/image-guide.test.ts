import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { imageQuery } from "./image-query.ts";
import { explainTags } from "./image-tags.ts";

const guide = readFileSync(new URL("../../../../docs/guides/images.md", import.meta.url), "utf8");
const tags = /Of the tags\n`([^`]+)`/.exec(guide)?.[1]?.split(" ") ?? [];
const rows = [...guide.matchAll(/^\| `@(.+?)` \| ([^|]*) \|/gm)].map(
  ([, selectors = "", taken = ""]) => [selectors.replaceAll("\\|", "|"), taken] as const,
);

test("the guide has its examples", () => expect([tags.length, rows.length > 12]).toEqual([8, true]));

test.for(rows)("the guide is right about what %s takes", ([selectors, said]) => {
  const verdicts = explainTags(imageQuery(`example.com/app@${selectors}`), tags);
  const taken = verdicts.flatMap(({ tag, isSelected }) => (isSelected ? tag : []));
  expect(taken).toEqual(said === "all of them" ? verdicts.map(({ tag }) => tag) : said.split(" "));
});
