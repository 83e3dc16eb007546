import { digestOf } from "@tranship/registry";
import { expect, test } from "vitest";
import type { LayerFindings } from "./file-search.ts";
import { LayerCache } from "./layer-cache.ts";

const layer = (name: string) => digestOf(new TextEncoder().encode(name));

/** Findings with one file of so many bytes, or none. */
function findings(bytes: number): LayerFindings {
  const found = new Map(bytes > 0 ? [["a.json", new Uint8Array(bytes)]] : []);
  return { found, hidden: new Set() };
}

test("a layer is scanned once, and again after a scan that failed", async () => {
  const cache = new LayerCache();
  let scans = 0;
  const scan = async () => {
    scans += 1;
    if (scans === 1) throw new Error("cut");
    return findings(1);
  };
  const [first, second] = await Promise.allSettled([
    cache.find(layer("a"), ["x", "y"], scan),
    cache.find(layer("a"), ["y", "x"], scan),
  ]);
  expect([first.status, second.status, scans]).toEqual(["rejected", "fulfilled", 2]);
  await cache.find(layer("a"), ["x", "y"], scan);
  expect(scans).toBe(2);
});

test("no more bytes of files are held than allowed, and layers without files stay known", async () => {
  const cache = new LayerCache(1000);
  const scanned: string[] = [];
  const find = (name: string, bytes: number) =>
    cache.find(layer(name), ["a.json"], async () => {
      scanned.push(name);
      return findings(bytes);
    });
  await find("base", 0);
  for (const name of ["one", "two", "three"]) await find(name, 400);
  await find("base", 0);
  await find("three", 400);
  await find("two", 400);
  expect(scanned).toEqual(["base", "one", "two", "three"]);
  await find("one", 400);
  expect(scanned).toEqual(["base", "one", "two", "three", "one"]);
});
