import { expect, test } from "vitest";
import { isMirrorError } from "../errors.ts";
import { parseFilter } from "./filter.ts";

test("no expression wants the channels of everything", () => {
  const filter = parseFilter([]);
  expect(filter.names).toBeUndefined();
  expect(filter.wanted("whatever")).toEqual({ kind: "channels" });
});

test("names are wanted by channels, tags by name, and nothing else is", () => {
  const filter = parseFilter(["console", " alb @ =v1.0.3 ", "alb@=v1.0.2", "both", "both@=bobV1"]);
  expect(filter.names).toEqual(["alb", "both", "console"]);
  expect(filter.wanted("console")).toEqual({ kind: "channels" });
  expect(filter.wanted("alb")).toEqual({ kind: "pins", tags: ["v1.0.2", "v1.0.3"] });
  expect(filter.wanted("both")).toEqual({ kind: "pins", tags: ["bobV1"] });
  expect(filter.wanted("other")).toBeUndefined();
});

test.for([
  ["", "no name"],
  ["@=v1", "no name"],
  ["x@", "nothing follows the @"],
  ["x@  ", "nothing follows the @"],
  ["x@=", "not a tag"],
  ["x@==v1", "not a tag"],
  ["x@=v1+stable", "not a tag"],
  ["x@^1.2", "only an exact tag"],
  ["x@1.2.3", "only an exact tag"],
  ["../x@=v1", "not a name"],
  ["a/b", "not a name"],
  ["UPPER", "not a name"],
] as const)("refuses %j", ([expression, reason]) => {
  try {
    parseFilter([expression]);
    expect.unreachable();
  } catch (error) {
    if (!isMirrorError(error, "SELECTION_INVALID")) throw error;
    expect(error.message).toContain(reason);
    expect(error.details.expression).toBe(expression);
  }
});
