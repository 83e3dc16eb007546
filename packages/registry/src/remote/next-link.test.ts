import { expect, test } from "vitest";
import { nextLink } from "./next-link.ts";

test.for([
  { header: '</v2/a/tags/list?n=1>; rel="next"', target: "/v2/a/tags/list?n=1" },
  { header: "</a>;rel=next", target: "/a" },
  { header: '</a>; title="x; y"; REL = "prev NEXT"', target: "/a" },
  { header: '</a>; rel="first", </b>; rel="next"', target: "/b" },
  { header: '</a>; rel=first, </b>; title="next"; rel=next, </c>; rel=next', target: "/b" },
  { header: '<>; rel="next"', target: "" },
])("the next page of %j is found", ({ header, target }) => {
  expect(nextLink(header)).toBe(target);
});

test.for([
  undefined,
  "",
  "</a>",
  '</a>; rel="nextone"',
  '</a>; rel="last"; title="rel=next"',
  '</a>; title="; rel=next"',
  "</a; rel=next",
  "rel=next",
])("%j names no next page", (header) => {
  expect(nextLink(header)).toBe(undefined);
});

test("a header made to be hard is read at once", { timeout: 5000 }, () => {
  const spaces = " ".repeat(20_000);
  expect(nextLink(`</a>; rel=${spaces}nex${spaces}"x`)).toBe(undefined);
  expect(nextLink(`</a>; rel=${spaces}next${spaces}"x`)).toBe("/a");
  expect(nextLink(`</a>;${spaces}rel${spaces}=${spaces}`)).toBe(undefined);
  expect(nextLink(`</a>${'; rel="'.repeat(20_000)}`)).toBe(undefined);
});
