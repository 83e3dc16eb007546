import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, expectTypeOf, test } from "vitest";
import { DepsError, isDepsError } from "./errors.ts";
import { fileError } from "./file-error.ts";

test("an error is told by its code, also when another copy of the package made it", () => {
  const error: unknown = new DepsError("URL_MISSING", "cannot fetch runc: it has no url", { item: "runc" });
  expect([isDepsError(error), isDepsError(error, "URL_MISSING"), isDepsError(error, "SIZE_MISSING")]).toEqual([
    true,
    true,
    false,
  ]);
  if (isDepsError(error, "URL_MISSING")) expectTypeOf(error.details).toEqualTypeOf<{ item: string }>();
  const foreign = Object.assign(new Error("x"), { name: "DepsError", code: "URL_MISSING" });
  expect(isDepsError(foreign, "URL_MISSING")).toBe(true);
  expect([isDepsError(new Error("x")), isDepsError(undefined)]).toEqual([false, false]);
});

test("a message is fit for a terminal, whatever a manifest says", () => {
  const { message } = new DepsError("URL_MISSING", `cannot fetch \u001b[31m${"x".repeat(5000)}`, { item: "x" });
  expect(message).toMatch(/^cannot fetch {2}\[31mx+$/);
  expect(message.length).toBeLessThanOrEqual(2000);
});

test("what the system says of a local file is told with its path; anything else stays as it is", () => {
  const full = Object.assign(new Error("write"), { code: "ENOSPC" });
  expect(fileError(full, "/nowhere/x")).toMatchObject({
    code: "NO_SPACE",
    details: { path: "/nowhere/x" },
    cause: full,
  });
  const unmade = fileError(full, join(tmpdir(), "not", "made", "yet")); // of what it would be in
  expect(unmade).toMatchObject({ details: { freeBytes: expect.toSatisfy((bytes: number) => bytes < 2 ** 53 - 1) } });
  const denied = Object.assign(new Error("open"), { code: "EACCES" });
  expect(fileError(denied, "x")).toMatchObject({ code: "FILE_FAILED", details: { path: "x", reason: "EACCES" } });
  const notFound = new DepsError("NOT_FOUND", "gone", { url: "https://a.example" });
  for (const other of [notFound, AbortSignal.abort().reason, new TypeError("wrong"), "enough"])
    expect(fileError(other, "x")).toBe(other);
});
