import { MemoryRegistry } from "@tranship/registry";
import { anImage, seedMemory } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { PackagesService } from "../services/catalog/packages-service.ts";
import { itemVersions } from "./item-versions.ts";

test("versions come newest first, and after them what is no version", async () => {
  const source = new MemoryRegistry({ name: "source" });
  const tags = ["v1.9.0", "edge", "v1.10.0", "v1.10.0-rc.1", "beta-x"];
  seedMemory(source, "packages", [anImage({ tag: "app" })]);
  seedMemory(
    source,
    "packages/app",
    tags.map((tag) => anImage({ tag, seed: tag })),
  );
  const list = await new PackagesService({ source, include: tags.map((tag) => `app@=${tag}`) }).plan();
  expect(itemVersions(list)).toEqual([
    {
      component: "packages",
      item: "app",
      versions: ["v1.10.0", "v1.10.0-rc.1", "v1.9.0", "beta-x", "edge"],
      attestations: 0,
    },
  ]);
});
