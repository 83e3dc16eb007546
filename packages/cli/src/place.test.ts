import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isThere, parseCliPlaces } from "./place.ts";

test("what cannot be looked at is there: it is no registry, and opening it tells why it cannot be used", () => {
  const folder = mkdtempSync(join(tmpdir(), "tranship-place-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const loop = join(folder, "loop");
  symlinkSync(loop, loop);
  expect(isThere(loop)).toBe(true);
  expect(parseCliPlaces([loop])).toEqual({ kind: "bundle", directory: loop });
  expect(isThere(join(folder, "none"))).toBe(false);
});
