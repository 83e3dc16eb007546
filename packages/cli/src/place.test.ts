import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isThere, parseCliPlaces, parseNamedPlace } from "./place.ts";

test("what cannot be looked at is there: it is no registry, and opening it tells why it cannot be used", () => {
  const folder = mkdtempSync(join(tmpdir(), "tranship-place-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const loop = join(folder, "loop");
  symlinkSync(loop, loop);
  expect(isThere(loop)).toBe(true);
  expect(parseCliPlaces([loop])).toEqual({ kind: "bundle", directory: loop });
  expect(isThere(join(folder, "none"))).toBe(false);
});

test.for(["./away", "/away", "~/away", "C:\\away", "d:/away", "\\\\server\\share"])(
  "%s is a path and no registry, also where nothing lies there",
  (text) => {
    expect(() => parseCliPlaces([text])).toThrow("there is no such file or folder");
    expect(() => parseNamedPlace(text)).toThrow("say what a folder holds");
  },
);
