import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import {
  Bundle,
  diffInspections,
  type Inspection,
  inspectBundle,
  inventoryOf,
  LayoutRegistry,
  type MirrorEvent,
} from "@tranship/core";
import { expect, test } from "vitest";
import { inspectSummary } from "../../packages/cli/src/print/inspect-summary.ts";
import { inspectTree } from "../../packages/cli/src/print/inspect-tree.ts";
import { aSource, pullInto, readPlan } from "../support/mirror.ts";
import { runProgram } from "../support/run-program.ts";
import { layoutFiles, tarImage, writeChunks, writeTar } from "../support/tar-bundle.ts";
import { tempFolder } from "../support/temp-folder.ts";

async function inspected(...places: readonly string[]): Promise<Inspection> {
  await using bundle = await Bundle.open(places);
  return await inspectBundle(bundle);
}

test("of a bundle that was pulled, its lock says where from and why; without the lock, the rest is the same", async () => {
  await using registry = await aSource();
  const folder = tempFolder();
  await pullInto(folder, registry.host);
  const withLock = await inspected(folder);
  rmSync(join(folder, "tranship.lock.json"));
  const without = await inspected(folder);

  expect(withLock.sources).toEqual([`${registry.host}/demo/fe`]);
  expect(withLock.repositories.flatMap(({ images }) => images.flatMap(({ why }) => why))).toContain("channel");
  expect(withLock.lacking).toEqual([]);
  expect(without.sources).toEqual(withLock.sources);
  expect(without.totals).toEqual(withLock.totals);
  expect(without.blobs).toEqual(withLock.blobs);
});

test("what a bundle leaves to its base is told as that, and read from the base where it is given, too", async () => {
  await using registry = await aSource();
  const [base, delta] = [tempFolder(), tempFolder()];
  await pullInto(base, registry.host);
  await pullInto(delta, registry.host, [], { base: inventoryOf(readPlan(base)) });

  const [alone, together] = [await inspected(delta), await inspected(base, delta)];
  expect(alone.totals.assumed.blobs).toBeGreaterThan(0);
  expect(alone.lacking).toEqual([]);
  expect(alone.blobs.filter(({ copies }) => copies === 0)).toHaveLength(alone.totals.assumed.blobs);
  expect(together.totals.assumed).toEqual({ blobs: 0, bytes: 0 });
  expect(together.blobs.filter(({ copies }) => copies === 0)).toEqual([]);
  expect(diffInspections(await inspected(base), alone)).toEqual({
    repositories: [],
    new: { blobs: 0, bytes: 0 },
    gone: { blobs: 0, bytes: 0 },
  });
});

test("the program prints the tree, what changed and the report, and writes the same page twice", async () => {
  const [before, after] = [tempFolder(), tempFolder()];
  const [one, two] = [tarImage("one"), tarImage("two", "one")];
  writeTar(before, "app.tar", layoutFiles("app", { v1: one }));
  writeChunks(after, "app.tar", layoutFiles("app", { v1: one, v2: two }), 4096);
  const pages = [join(tempFolder(), "a.html"), join(tempFolder(), "b.html")];
  const [first = "", second = ""] = pages;

  const [text, json] = await Promise.all([
    runProgram("inspect", after, "--against", before, "--layers", "--html", first),
    runProgram("inspect", after, "--against", `bundle:${before}`, "--html", second, "--json"),
  ]);
  expect([text.code, json.code]).toEqual([0, 0]);
  expect(text.stdout).toMatch(/^app +2 images /);
  expect(text.stdout).toMatch(/├─ v1 +image /);
  expect(text.stdout).toMatch(/└─ sha256:[0-9a-f]{12} +layer +[0-9.]+ KiB +2 images/);
  expect(text.stdout).toMatch(/app\.tar +[0-9.]+ KiB {2}1 repository, \d+ chunks/);
  expect(text.stdout).toContain("+ v2");
  expect(text.stdout).toContain("1 tag added, 0 removed, 0 moved; 2 blobs new");
  expect(readFileSync(first, "utf8")).toBe(readFileSync(second, "utf8"));

  const report = JSON.parse(json.stdout.trim().split("\n").at(-1) ?? "");
  expect(report).toMatchObject({ type: "report", command: "inspect", version: 1, kind: "inspection" });
  expect(report.totals).toMatchObject({ images: 2, tags: 2, archives: 1 });
  expect(report.changes.repositories).toHaveLength(1);
});

test("a registry, another depth and a folder for the page are wrong usage", async () => {
  const runs = await Promise.all([
    runProgram("inspect", "registry:localhost:5000/x"),
    runProgram("inspect", ".", "--depth", "7"),
    runProgram("inspect", ".", "--html", "."),
    runProgram("inspect", "bundel"),
  ]);
  expect(runs.map(({ code }) => code)).toEqual([2, 2, 2, 2]);
  const [registry, depth, page, misspelt] = runs.map(({ stderr }) => stderr);
  expect(registry).toContain("registry:localhost:5000/x: only what is on this machine is inspected");
  expect(misspelt).toContain("bundel: there is no such file or folder here, and only what");
  expect(depth).toContain("give a number from 1 to 4");
  expect(page).toContain("it is a folder");
});

test("a layer that is lacking is told, without a warning and without an end", async () => {
  const folder = tempFolder();
  const events: MirrorEvent[] = [];
  const image = tarImage("one");
  writeTar(folder, "app.tar", layoutFiles("app", { v1: image }, [image.layer.digest]));
  await using bundle = await Bundle.open(folder, { onEvent: (event) => events.push(event) });
  const inspection = await inspectBundle(bundle);
  expect(inspection.lacking).toEqual([
    { path: "app", digest: image.layer.digest, size: image.layer.size, role: "layer" },
  ]);
  expect(events).toEqual([]);
  expect(inspectSummary(inspection)).toContain(`lacking: app: layer ${image.layer.digest}`);
});

test("a folder of image layouts is inspected like a bundle, without archives", async () => {
  const folder = tempFolder();
  const bundleFolder = tempFolder();
  const image = tarImage("one");
  writeTar(bundleFolder, "app.tar", layoutFiles("app", { v1: image }));
  await using bundle = await Bundle.open(bundleFolder);
  const layouts = await LayoutRegistry.open(folder, { create: true });
  const target = layouts.repository("app");
  const source = bundle.repository("app");
  const manifest = await source.manifest("v1" as never);
  for (const blob of [image.config, image.layer]) await target.pushBlob(blob, () => source.fetchBlob(blob));
  await target.pushManifest(manifest, { tags: ["v1" as never] });

  const { repositories, totals, archives } = await inspectBundle(layouts);
  const ofBundle = await inspectBundle(bundle);
  expect(archives).toEqual([]);
  expect(totals.storedBytes).toBe(ofBundle.totals.storedBytes);
  expect(repositories.map(({ images }) => images)).toEqual(ofBundle.repositories.map(({ images }) => images));
});

test("lines fit the width, and a long list is cut unless all of it is asked for", async () => {
  const folder = tempFolder();
  const tags = Array.from(
    { length: 30 },
    (_, nth) => [`v1.0.${nth}-${"long".repeat(20)}`, tarImage(`${nth}`)] as const,
  );
  writeTar(folder, "app.tar", layoutFiles("app", Object.fromEntries(tags)));
  const inspection = await inspected(folder);
  for (const columns of [40, 60, 80, 120]) {
    for (const line of inspectTree(inspection, { columns, depth: 4, allTags: true })) {
      expect(line.length).toBeLessThanOrEqual(columns);
      expect(line).toMatch(/ \d[0-9.]* (?:B|KiB)(?: |$)/);
    }
  }
  expect(inspectTree(inspection)).toHaveLength(1 + 12 + 1);
  expect(inspectTree(inspection, { allTags: true })).toHaveLength(1 + 30);
  expect(inspectTree(inspection, { depth: 1 })).toHaveLength(1);
});
