import { expect, test } from "vitest";
import { MirrorError } from "./errors.ts";

test("a message that quotes what a file says is fit for a terminal", () => {
  const error = new MirrorError("PLAN_INVALID", `cannot read \u001b[2Jplan\r\n\u202e${"x".repeat(5000)}`, {
    file: "plan.json",
    reason: "",
  });
  expect(error.message).toBe(`cannot read  [2Jplan ${"x".repeat(5000)}`.slice(0, 2000));
});
