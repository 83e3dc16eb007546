import { readFileSync } from "node:fs";
import { MemoryRegistry } from "@tranship/registry";
import { anImage, seedMemory } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import * as z from "zod";
import { PackagesService } from "../services/catalog/packages-service.ts";
import { jsonSchemas } from "./json-schemas.ts";

/** The published files, which `pnpm run schemas` writes. */
function published(name: string) {
  return JSON.parse(readFileSync(new URL(`../../schema/${name}`, import.meta.url), "utf8"));
}

test("every published schema says what this program reads", () => {
  const schemas = jsonSchemas();
  expect(Object.keys(schemas)).toEqual([
    "deps-manifest.schema.json",
    "download-list.schema.json",
    "lock-file.schema.json",
  ]);
  for (const [name, schema] of Object.entries(schemas)) expect(published(name), name).toEqual(schema);
});

test("the published schema takes a plan and refuses what is none", async () => {
  const source = new MemoryRegistry({ name: "source" });
  seedMemory(source, "packages", [anImage({ tag: "app" })]);
  seedMemory(source, "packages/app", [anImage({ tag: "v1.0.0" })]);
  const list = await new PackagesService({ source, include: ["app@=v1.0.0"] }).plan();
  const schema = z.fromJSONSchema(published("download-list.schema.json"));
  expect(list.archives).not.toEqual([]);
  expect(schema.safeParse(list).success).toBe(true);
  const [first] = list.archives;
  const broken = [{ ...list, version: 2 }, { ...list, archives: [{ ...first, archive: "../app.tar" }] }, {}];
  expect(broken.map((one) => schema.safeParse(one).success)).toEqual([false, false, false]);
});
