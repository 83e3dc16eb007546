import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { artifactFingerprint, artifactIdOf, validArtifactId } from "./artifact-id.ts";

test.for([
  ["rfs-0123456789abcdef01234567", true],
  ["a", true],
  ["A.b_c-d", true],
  ["a".repeat(128), true],
  ["a".repeat(129), false],
  ["", false],
  [".", false],
  ["..", false],
  ["a..b", false],
  ["../a", false],
  ["a/b", false],
  ["a\\b", false],
  ["-a", false],
  ["_a", false],
  [".hidden", false],
  ["a b", false],
  ["a\n", false],
  ["a\0", false],
  ["ä", false],
] as const)("%j as an artifact id: %s", ([id, isValid]) => {
  expect(validArtifactId(id)).toBe(isValid);
});

test("a fingerprint is the hash of sorted compact JSON, and gives the id", () => {
  const parts = {
    source_image_digest: "app@sha256:1",
    exposed_ports: [80, 443],
    network_type: undefined,
    a: { y: null, x: true },
  };
  const text = '{"a":{"x":true,"y":null},"exposed_ports":[80,443],"source_image_digest":"app@sha256:1"}';
  const fingerprint = artifactFingerprint(parts);
  expect(fingerprint).toBe(createHash("sha256").update(text).digest("hex"));
  expect(artifactFingerprint(Object.fromEntries(Object.entries(parts).reverse()))).toBe(fingerprint);
  expect(artifactFingerprint({ ...parts, exposed_ports: [443, 80] })).not.toBe(fingerprint);
  expect(artifactIdOf(fingerprint)).toBe(`rfs-${fingerprint.slice(0, 24)}`);
  expect(validArtifactId(artifactIdOf(fingerprint))).toBe(true);
});

test.for([Number.NaN, 1n, new Map(), new Date(0), () => 1])("a part that is no plain JSON is refused: %s", (part) => {
  expect(() => artifactFingerprint({ part })).toThrow(TypeError);
});
