import { createHash } from "node:crypto";
import { statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { alignImage, hashImage } from "./finish-image.ts";

const mebibyte = 1024 ** 2;

test.for([
  { size: 3 * mebibyte + 4096, aligned: 4 * mebibyte },
  { size: 4 * mebibyte, aligned: 4 * mebibyte },
  { size: 1, aligned: 2 * mebibyte },
])("an image of $size bytes is made $aligned bytes long, and hashed with its holes", async ({ size, aligned }) => {
  const image = join(tempFolder(), "image");
  writeFileSync(image, "x");
  truncateSync(image, size);
  const { mtimeNs } = statSync(image, { bigint: true });
  expect(await alignImage(image)).toBe(aligned);
  expect(statSync(image).size).toBe(aligned);
  if (size === aligned) expect(statSync(image, { bigint: true }).mtimeNs).toBe(mtimeNs);
  const bytes = Buffer.alloc(aligned);
  bytes.write("x");
  expect(await hashImage(image)).toBe(createHash("sha256").update(bytes).digest("hex"));
});

test.for([
  { name: "an empty one", make: (path: string) => writeFileSync(path, ""), reason: "EMPTY" },
  { name: "none", make: () => {}, reason: "ENOENT" },
])("$name cannot be made longer", async ({ make, reason }) => {
  const image = join(tempFolder(), "image");
  make(image);
  await expect(alignImage(image)).rejects.toMatchObject({ code: "FILE_FAILED", details: { reason } });
});
