import { expect, test } from "vitest";
import { redact } from "./redact.ts";

test.for([
  "robot:hunter2@registry.internal/app: a registry is verified against a plan",
  "oci:robot:hunter2@h:5000/x: there is no such folder",
  'cannot read "robot:hunter2@h/x": no',
  "https://robot:hunter2@h/x refused",
])("no password is told: %s", (text) => {
  expect(redact(text)).not.toMatch(/robot|hunter2/);
});

test.for([
  `h:5000/org/app:v1@sha256:${"a".repeat(64)} is not at the source`,
  "nothing of h/app is taken by app:1@^1",
  "alpine:3.20@sha256:abc/x",
  "cannot read h/app:v1: 404 Not Found: a@b.example/c",
])("names stay as they are: %s", (text) => {
  expect(redact(text)).toBe(text);
});
