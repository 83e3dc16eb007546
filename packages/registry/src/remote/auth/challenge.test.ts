import fc from "fast-check";
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
  {
    header: "Bearer realm=https://auth.example/token,service=host",
    expected: [{ scheme: "bearer", parameters: { realm: "https://auth.example/token", service: "host" } }],
  },
  {
    header: 'Negotiate YIIabc+/==, Basic realm="x"',
    expected: [
      { scheme: "negotiate", parameters: {} },
      { scheme: "basic", parameters: { realm: "x" } },
    ],
  },
  { header: 'Basic __proto__="x", constructor="y"', expected: [{ scheme: "basic", parameters: { constructor: "y" } }] },
  { header: `Bearer realm="${"x".repeat(10_000)}"`, expected: [] },
])("$header", ({ header, expected }) => {
  expect(parseChallenges(header)).toEqual(expected);
});

test("any header is parsed, into names and texts", () => {
  const pieces = fc.constantFrom("Bearer", "Basic", " ", ",", "=", '"', "\\", "realm", "a/b:c", "==", "\n", "\0", "é");
  const header = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.array(pieces, { maxLength: 60 }).map((all) => all.join("")),
  );
  fc.assert(
    fc.property(header, (text) => {
      for (const { scheme, parameters } of parseChallenges(text)) {
        expect(scheme).toMatch(/^[^\sA-Z",=]+$/);
        expect(Object.values(parameters).every((value) => typeof value === "string")).toBe(true);
      }
    }),
  );
});

test("what is quoted comes back as it was", () => {
  const value = fc.string({ unit: "grapheme-ascii", maxLength: 200 });
  fc.assert(
    fc.property(value, value, (realm, service) => {
      const quote = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;
      const header = `Basic realm="x", Bearer realm=${quote(realm)},service=${quote(service)}`;
      expect(parseChallenges(header)[1]).toEqual({ scheme: "bearer", parameters: { realm, service } });
    }),
  );
});
