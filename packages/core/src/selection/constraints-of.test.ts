import { expect, test } from "vitest";
import { exactConstraintsOf, semverConstraintsOf } from "./constraints-of.ts";
import { parseFilter } from "./filter.ts";

test("what is asked of a name is told apart into exact tags and ranges, each in its order", () => {
  const include = ["app@=v1.0.0+stable", "app@~1.4", "app@=bob", "app@1.2"];
  const { constraints } = parseFilter({ include }).wanted("app") ?? { constraints: [] };
  expect(exactConstraintsOf(constraints)).toMatchObject([{ tag: "v1.0.0", channel: "stable" }, { tag: "bob" }]);
  expect(semverConstraintsOf(constraints).map(({ range }) => range.text)).toEqual(["~1.4", "1.2"]);
});
