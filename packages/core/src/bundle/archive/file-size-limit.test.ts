import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { maxFileBytes, requireFileSize } from "./file-size-limit.ts";

const fat = 0x4d44;
const limit = 2 ** 32 - 1;
const place = { path: join(tmpdir(), "a.tar"), isPartial: true };
const onFat = (bytes: number, chunkBytes?: number) =>
  requireFileSize({ ...place, chunkBytes }, bytes, (folder) => (folder === tmpdir() ? fat : undefined));

test("FAT holds files of up to 4 GiB less a byte; of others no limit is known", () => {
  expect(maxFileBytes(fat)).toBe(limit);
  for (const type of [0xef53, 0x01021994, 0x2011bab0, 0]) expect(maxFileBytes(type)).toBeUndefined();
});

test("an archive that FAT cannot hold is refused before it is written, with both sizes", () => {
  expect(() => onFat(limit)).not.toThrow();
  expect(() => onFat(limit + 1)).toThrow(
    expect.objectContaining({
      code: "FILE_TOO_LARGE",
      details: { path: place.path, neededBytes: limit + 1, maxBytes: limit },
    }),
  );
});

test("chunks that FAT holds make an archive of any size possible there, larger ones do not", () => {
  expect(() => onFat(1e12, 4e9)).not.toThrow();
  expect(() => onFat(1e12, limit + 1)).toThrow(expect.objectContaining({ code: "FILE_TOO_LARGE" }));
  expect(() => onFat(limit, limit + 1)).not.toThrow();
});

test("a file system without that limit is not asked for less, and takes more", () => {
  expect(() => requireFileSize(place, 1e15, () => 0xef53)).not.toThrow();
  expect(() => requireFileSize({ ...place, path: "/no/such/folder/a.tar" }, 1e15)).not.toThrow();
});
