import { digestHex, MemoryRegistry } from "@tranship/registry";
import { anImage, seedMemory } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { ModulesService } from "../services/catalog/modules-service.ts";
import { PackagesService } from "../services/catalog/packages-service.ts";
import { plan } from "../services/plan.ts";
import { imagesOfItem } from "./item-images.ts";

/** A source with a package and a module called `app`, each with a channel, a version and an extra image. */
function aSource(): MemoryRegistry {
  const source = new MemoryRegistry({ name: "source" });
  for (const [root, metadata] of [["packages", "version"] as const, ["modules", "release"] as const]) {
    seedMemory(source, root, [anImage({ tag: "app" })]);
    seedMemory(source, `${root}/app`, [anImage({ tag: "v1.0.0", files: { "extra_images.json": '{"scanner":"v2"}' } })]);
    const files = { "version.json": '{"version":"v1.0.0"}' };
    seedMemory(source, `${root}/app/${metadata}`, [anImage({ tags: ["v1.0.0", "stable"], files })]);
    seedMemory(source, `${root}/app/extra/scanner`, [anImage({ tag: "v2" })]);
  }
  return source;
}

test("a plan's images of a name are found by their references, apart by what they are", async () => {
  const source = aSource();
  const list = await plan([new PackagesService({ source }), new ModulesService({ source })]);
  const keys = (component: string) =>
    Object.entries(imagesOfItem(list, "app", component) ?? {}).map(([part, images]) => [part, [...images.keys()]]);
  expect(keys("packages")).toEqual([
    ["main", ["source/packages/app:v1.0.0"]],
    ["metadata", ["source/packages/app/version:stable", "source/packages/app/version:v1.0.0"]],
    ["extra", ["source/packages/app/extra/scanner:v2"]],
  ]);
  expect(keys("modules")).toEqual([
    ["main", ["source/modules/app:v1.0.0"]],
    ["metadata", ["source/modules/app/release:stable", "source/modules/app/release:v1.0.0"]],
    ["extra", ["source/modules/app/extra/scanner:v2"]],
  ]);
  const { digest } = anImage({ tag: "v2" }).manifest.descriptor;
  expect(imagesOfItem(list, "app")?.extra.get("source/packages/app/extra/scanner:v2")?.digest).toBe(digest);
  expect(imagesOfItem(list, "other")).toBeUndefined();
});

test("images that are known by their digests, and what is attached to them, are named as they are at the source", async () => {
  const source = aSource();
  const component = anImage({ seed: "component" });
  const { digest } = component.manifest.descriptor;
  const main = anImage({ tag: "v1.1.0", files: { "images_digests.json": `["${digest}"]` } });
  const attestation = `sha256-${digestHex(main.manifest.descriptor.digest)}.att`;
  seedMemory(source, "packages/app", [main, component, anImage({ tag: attestation })]);
  const list = await plan([new PackagesService({ source, include: ["app@=v1.1.0"] })]);
  const images = imagesOfItem(list, "app")?.main;
  expect([...(images?.keys() ?? [])].sort()).toEqual([
    `source/packages/app:${attestation}`,
    "source/packages/app:v1.1.0",
    `source/packages/app@${digest}`,
  ]);
  expect(images?.get(`source/packages/app@${digest}`)).toMatchObject({ tag: digestHex(digest), digest });
});
