import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Annotation, MemoryRegistry } from "@tranship/registry";
import { anImage, seedMemory } from "@tranship/registry/testing";
import { expect, onTestFinished, test } from "vitest";
import { countManifests, layoutHasManifests } from "./count-manifests.ts";
import { openImage } from "./image.ts";
import { ImageLayout } from "./image-layout.ts";

test("entries of layouts are counted, each tag once, and what cannot be read has none", async () => {
  const root = mkdtempSync(join(tmpdir(), "tranship-count-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const source = new MemoryRegistry({ name: "source" });
  seedMemory(source, "app", [anImage({ tag: "v1" }), anImage({ tag: "sha256-00.att" })]);
  const paths = ["full", "empty", "damaged", "away"].map((name) => join(root, name));
  const [full = "", empty = "", damaged = "", away = ""] = paths;
  const layout = await ImageLayout.open(full);
  for (const tag of ["v1", "sha256-00.att"]) await layout.addImage(await openImage(source.repository("app"), tag), tag);
  await layout.tagImage((await layout.getImage("v1")).manifest.descriptor.digest, "stable");
  await ImageLayout.open(empty);
  mkdirSync(damaged);
  writeFileSync(join(damaged, "index.json"), "{");

  expect(await countManifests(paths)).toBe(3);
  expect(await countManifests(paths, ({ [Annotation.shortTag]: tag }) => tag?.endsWith(".att") === true)).toBe(1);
  const answers = await Promise.all([full, empty, damaged, away].map((path) => layoutHasManifests(path)));
  expect(answers).toEqual([true, false, false, false]);
});
