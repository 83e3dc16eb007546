import { expect, test } from "vitest";
import { parseChallenges } from "./challenge.ts";

test.for([
  { header: undefined, expected: [] },
  { header: "", expected: [] },
  { header: "Basic", expected: [{ scheme: "basic", parameters: {} }] },
  { header: 'Basic realm="a, b"', expected: [{ scheme: "basic", parameters: { realm: "a, b" } }] },
  {
    header: 'Bearer realm="https://auth/token",service="host",scope="repository:a/b:pull,push"',
    expected: [
      {
        scheme: "bearer",
        parameters: { realm: "https://auth/token", service: "host", scope: "repository:a/b:pull,push" },
      },
    ],
  },
  {
    header: 'Basic realm="x", Bearer Realm=y , error="say \\"no\\""',
    expected: [
      { scheme: "basic", parameters: { realm: "x" } },
      { scheme: "bearer", parameters: { realm: "y", error: 'say "no"' } },
    ],
  },
  { header: `Bearer realm="${"x".repeat(10_000)}"`, expected: [] },
])("$header", ({ header, expected }) => {
  expect(parseChallenges(header)).toEqual(expected);
});
