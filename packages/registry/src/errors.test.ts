import { expect, expectTypeOf, test } from "vitest";
import { classifyFailure, isRegistryError, RegistryError } from "./errors.ts";

const details = { registry: "host", reference: "host/app", retryAfterMs: 1000 };

/** The class as another installed copy of the package has it. */
class RegistryErrorOfAnotherCopy extends Error {
  override readonly name = "RegistryError";
  readonly code = "RATE_LIMITED";
  readonly details = details;
}

test.for([
  { from: "this copy", error: new RegistryError("RATE_LIMITED", "429", details) },
  { from: "another copy", error: new RegistryErrorOfAnotherCopy("429") },
])("an error of $from of the package is known by its name and code", ({ error }) => {
  const caught: unknown = error;
  expect([
    isRegistryError(caught),
    isRegistryError(caught, "RATE_LIMITED"),
    isRegistryError(caught, "NOT_FOUND"),
  ]).toEqual([true, true, false]);
  expect(classifyFailure(caught)).toBe("throttled");
  if (isRegistryError(caught, "RATE_LIMITED"))
    expectTypeOf(caught.details.retryAfterMs).toEqualTypeOf<number | undefined>();
});

test.for([undefined, null, "RegistryError", { name: "RegistryError", code: "NOT_FOUND" }, new Error("NOT_FOUND")])(
  "%o is none",
  (thrown) => {
    expect(isRegistryError(thrown)).toBe(false);
  },
);
