import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { encodeTarHeader, tarPadding, tarTrailerBytes } from "./tar-header.ts";

function listedByTar(entries: readonly { name: string; data: Uint8Array }[]): string {
  const folder = mkdtempSync(join(tmpdir(), "tranship-header-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const parts = entries.flatMap(({ name, data }) => [
    encodeTarHeader(name, data.byteLength),
    data,
    new Uint8Array(tarPadding(data.byteLength)),
  ]);
  writeFileSync(join(folder, "a.tar"), Buffer.concat([...parts, new Uint8Array(tarTrailerBytes)]));
  return execFileSync("tar", ["--utc", "--full-time", "--numeric-owner", "-tvf", join(folder, "a.tar")], {
    encoding: "utf8",
  });
}

test.for([1, 99, 100, 101, 255, 256, 511, 512, 2000])(
  "GNU tar lists a name of %i bytes as a regular file",
  (length) => {
    const name = `${"d/".repeat(Math.floor((length - 1) / 2))}${"x".repeat(length)}`.slice(-length);
    const [line] = listedByTar([{ name, data: Buffer.from("hello") }]).split("\n");
    expect(line?.replace(/ +/g, " ")).toBe(`-rwxrwxrwx 0/0 5 1970-01-01 00:00:00 ${name}`);
  },
);

test("several entries of sizes around a block follow each other", () => {
  const entries = [0, 1, 511, 512, 513].map((size) => ({ name: `blobs/${size}`, data: new Uint8Array(size).fill(65) }));
  const sizes = listedByTar(entries)
    .trim()
    .split("\n")
    .map((line) => line.split(/ +/)[2]);
  expect(sizes).toEqual(["0", "1", "511", "512", "513"]);
});

test.for([
  { size: 8 ** 11 - 1, field: Buffer.from("77777777777\0") },
  { size: 8 ** 11, field: Buffer.from("800000000000000200000000", "hex") },
  { size: Number.MAX_SAFE_INTEGER, field: Buffer.from("80000000001fffffffffffff", "hex") },
])("a size of $size is written so that GNU tar reads it", ({ size, field }) => {
  expect(Buffer.from(encodeTarHeader("big", size).subarray(124, 136))).toEqual(field);
});
