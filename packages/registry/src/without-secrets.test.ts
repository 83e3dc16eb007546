import { expect, test } from "vitest";
import { withoutSecrets } from "./without-secrets.ts";

test.for([
  ["Authorization: Bearer abc.def-012", "Authorization: Bearer …"],
  ["got basic cm9ib3Q6aHVudGVyMg==", "got basic …"],
  ["see https://robot:hunter2@h/x", "see https://…@h/x"],
  ["see https://h/x?X-Signature=1f3a&e=1 (expired)", "see https://h/x?… (expired)"],
  ["a bearer token is wanted", "a bearer token is wanted"],
  ["h:5000/org/app:v1@sha256:1f3a is unknown", "h:5000/org/app:v1@sha256:1f3a is unknown"],
] as const)("%s is told as: %s", ([text, told]) => {
  expect(withoutSecrets(text)).toBe(told);
});

test("a text that is long without end is cut before anything is looked for", () => {
  expect(withoutSecrets("a://".repeat(1_000_000))).toHaveLength(4096);
});
