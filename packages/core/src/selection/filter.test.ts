import { expect, test } from "vitest";
import { isMirrorError } from "../errors.ts";
import { type FilterExpressions, parseFilter } from "./filter.ts";

/** What is asked of a name, as it was written. */
function asked(name: string, expressions: FilterExpressions): string | undefined {
  const wanted = parseFilter(expressions).wanted(name);
  if (!wanted) return undefined;
  const constraints = wanted.constraints.map((one) =>
    one.kind === "range" ? one.range.text : `=${one.tag}${one.channel === undefined ? "" : `+${one.channel}`}`,
  );
  return [...(wanted.channels ? ["channels"] : []), ...constraints].join(" ");
}

test("no expression wants the channels of everything", () => {
  expect(parseFilter({}).names).toBeUndefined();
  expect(asked("whatever", {})).toBe("channels");
});

test("what is excluded is left out of everything", () => {
  const expressions = { exclude: ["console", " alb "] };
  expect(parseFilter(expressions)).toMatchObject({ names: undefined, excluded: ["alb", "console"] });
  expect(asked("console", expressions)).toBeUndefined();
  expect(asked("other", expressions)).toBe("channels");
});

test("what is asked of a name adds up, and only exact tags do without its channels", () => {
  const include = ["console", " alb @ =v1.0.3 ", "alb@=v1.0.2+stable", "both", "both@^1.2", "pin", "pin@=bobV1"];
  expect(parseFilter({ include }).names).toEqual(["alb", "both", "console", "pin"]);
  expect(asked("console", { include })).toBe("channels");
  expect(asked("alb", { include })).toBe("=v1.0.3 =v1.0.2+stable");
  expect(asked("both", { include })).toBe("channels ^1.2");
  expect(asked("pin", { include })).toBe("=bobV1");
  expect(asked("other", { include })).toBeUndefined();
});

test.for([
  ["", "no name", ""],
  ["@=v1", "no name", ""],
  [" @1.2.3", "no name", ""],
  ["x@", "nothing follows the @", "quote"],
  ["x@  ", "nothing follows the @", "quote"],
  ["x@=", "no tag", ""],
  ["x@==v1", "starts with", "write x@=v1"],
  ["x@=>1.2.3", "starts with", "write x@>=1.2.3"],
  ["x@>=1 ||", "not a range", "write it like >=1.3.0"],
  ["x@latest", "not a version", "write x@=latest"],
  ["../x@=v1", "not a name", ""],
  ["a/b", "not a name", ""],
  ["UPPER", "not a name", ""],
] as const)("refuses to include %j", ([expression, reason, hint]) => {
  const error = refusalOf({ include: [expression] });
  expect(error.message).toContain(reason);
  expect(error.details.expression).toBe(expression);
  expect(error.details.hint ?? "").toContain(hint);
});

test.for([
  { include: ["x", "x@^1", "x@~2.1"], expected: "channels ^1 ~2.1" },
  { include: ["x", "x"], expected: "channels" },
  { include: ["x@=v1", "x@~2.1"], expected: "channels =v1 ~2.1" },
  { include: ["x@=v1", "y@^1", "x@=v2+lts"], expected: "=v1 =v2+lts" },
  { include: ["x@=v1+stable", "x@=v1+stable"], expected: "=v1+stable =v1+stable" },
])("$include asks of x: $expected", ({ include, expected }) => {
  expect(asked("x", { include })).toBe(expected);
});

test("one channel cannot stand for two tags", () => {
  const error = refusalOf({ include: ["x@=v1+stable", "x@=v2+stable"] });
  expect(error.message).toContain("stable cannot stand for both v1 and v2");
});

test.for([
  [["x@=v1"], [], "excluded whole"],
  [["x"], ["x@^1"], "included, too"],
] as const)("refuses to exclude %j beside %j", ([exclude, include, reason]) => {
  expect(refusalOf({ include, exclude }).message).toContain(reason);
});

function refusalOf(expressions: FilterExpressions) {
  try {
    parseFilter(expressions);
  } catch (error) {
    if (isMirrorError(error, "SELECTION_INVALID")) return error;
    throw error;
  }
  return expect.unreachable();
}
