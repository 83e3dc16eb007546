import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { archiveNameSchema } from "../../plan/names.ts";
import { parseImageName } from "../../selection/image-name.ts";
import { imageArchive } from "./images-archive.ts";

test.for([
  ["ghcr.io/org/app", "image-ghcr.io_-org_-app.tar"],
  ["localhost:5000/a__b", "image-localhost_.5000_-a__b.tar"],
  ["[::1]:5000/app", "image-_._.1_-._.5000_-app.tar"],
] as const)("%s is in %s", ([name, archive]) => expect(imageArchive(name)).toBe(archive));

test("a long name is cut, and its digest tells it from others", () => {
  const [one, other] = ["a", "b"].map((end) => `ghcr.io/${"long/".repeat(40)}${end}`);
  const archive = imageArchive(one ?? "");
  expect(archive).toHaveLength(200);
  expect(archive).toContain(
    createHash("sha256")
      .update(one ?? "")
      .digest("hex"),
  );
  expect(imageArchive(other ?? "")).not.toBe(archive);
});

test("different names have different archives, on every file system", () => {
  const component = fc.stringMatching(/^[ab](?:[._]|__|-{1,2})?[ab]$/);
  const host = fc.stringMatching(/^(?:[ab](?:[.-]{1,2}[ab])?\.[ab]|\[[ab:.]{1,4}\])(?::[12])?$/);
  const name = fc
    .tuple(host, fc.array(component, { minLength: 1, maxLength: 60 }))
    .map(([registry, path]) => `${registry}/${path.join("/")}`)
    .filter((text) => parseImageName(text) !== undefined);
  fc.assert(
    fc.property(name, name, (one, other) => {
      const [a, b] = [imageArchive(one), imageArchive(other)];
      expect(a === b).toBe(one === other);
      expect(a).toMatch(/^image-[a-z0-9._-]+\.tar$/);
      expect(a.length).toBeLessThanOrEqual(200);
      expect(archiveNameSchema.parse(a)).toBe(a);
    }),
    { numRuns: 500 },
  );
});
