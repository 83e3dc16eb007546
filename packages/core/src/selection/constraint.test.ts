import { expect, test } from "vitest";
import { isConstraint, parseConstraint } from "./constraint.ts";

test.for([
  ["=v1.3.0", { tag: "v1.3.0" }],
  ["= v1.3.0", { tag: "v1.3.0" }],
  ["=bobV1", { tag: "bobV1" }],
  ["  =  v1.3.0  ", { tag: "v1.3.0" }],
  ["=v1.3.0+stable", { tag: "v1.3.0", channel: "stable" }],
  ["=v1.3.0+lts", { tag: "v1.3.0", channel: "lts" }],
] as const)("%j is one exact tag", ([text, expected]) => {
  expect(parseConstraint(text)).toEqual({ kind: "exact", ...expected });
});

test.for(["1.2.3", "v1.2.3", "1.2", "1", "0.4.0", ">=1.0", "^1.x", "~1.3.x", ">=1.0.0 || <0.5", "1.5.0-rc.1"])(
  "%j is a range",
  (text) => {
    expect(parseConstraint(text)).toMatchObject({ kind: "range", range: { text } });
  },
);

test.for([
  ["", "nothing follows the @", "quote"],
  ["   ", "nothing follows the @", "quote"],
  ["invalid", "not a version", "=invalid"],
  ["latest", "not a version", "=latest"],
  ["*", "not a version", ""],
  ["1.x", "not a version", "=1.x"],
  ["!=1.3.0", "everything else", ">=0.0.0 !=1.3.0"],
  ["1.2.0 - 1.4.0", "dash", ">=1.2.0 <=1.4.0"],
  ["1.2.3.4", "not a version", "=1.2.3.4"],
  [">=foo", "not a range", ">=1.3.0 <2.0.0"],
  ["^^1.0", "not a range", ""],
  [">=1.64.", "not a range", ""],
  [">=1.0.0||", "not a range", ""],
  [">=1.x", "not a range", "leave out"],
  ["=", "no tag", ""],
  ["=+stable", "no tag", ""],
  ["==1.3.0", "starts with", "write =1.3.0"],
  ["=>1.3.0", "starts with", "write >=1.3.0"],
  ["=<1.3.0", "starts with", "write <=1.3.0"],
  ["=v1.3.0+bogus", "not a release channel", "rock-solid"],
  ["=v1.3.0+", "not a release channel", ""],
  ["=a b", "not a tag", ""],
  ["1.3.0+stable", "no release channel", "=1.3.0+stable"],
  ["1.2.3@1.2.4", "second @", ""],
  ["1.64.", "not a version", ""],
] as const)("%j is refused, with advice", ([text, reason, hint]) => {
  const parsed = parseConstraint(text);
  if (isConstraint(parsed)) return expect.unreachable();
  expect(parsed.reason).toContain(reason);
  expect(parsed.hint ?? "").toContain(hint);
});
