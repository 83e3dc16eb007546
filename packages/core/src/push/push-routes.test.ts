import { MemoryRegistry } from "@tranship/registry";
import { anImage, seedMemory } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import type { MirrorEvent } from "../events.ts";
import { pushBundle } from "./push-bundle.ts";

function aSource(): MemoryRegistry {
  const source = new MemoryRegistry({ name: "source" });
  seedMemory(source, "", [anImage({ tag: "v1.56.5" })]);
  seedMemory(source, "packages/console", [anImage({ tag: "v1" })]);
  seedMemory(source, "packages/console/version", [anImage({ tag: "stable" })]);
  seedMemory(source, "modules/net", [anImage({ tag: "v2" })]);
  seedMemory(source, "modules/net/release", [anImage({ tag: "lts" })]);
  return source;
}

async function namesIn(registry: MemoryRegistry): Promise<readonly string[]> {
  const names: string[] = [];
  for await (const path of registry.repositories()) {
    for await (const tag of registry.repository(path).tags()) names.push(`${path}:${tag}`);
  }
  return names.sort();
}

const unmoved = [":v1.56.5", "packages/console/version:stable", "packages/console:v1", "packages:console"];

describe("pushing modules elsewhere", () => {
  test.for([
    { suffix: "", names: ["modules/net/release:lts", "modules/net:v2", "modules:net"] },
    { suffix: "/", names: [":net", "net/release:lts", "net:v2"] },
    { suffix: "/my/mods", names: ["my/mods/net/release:lts", "my/mods/net:v2", "my/mods:net"] },
  ])("with the suffix '$suffix' moves images and discovery tags, and nothing else", async ({ suffix, names }) => {
    const target = new MemoryRegistry();
    const warnings: string[] = [];
    const onEvent = (event: MirrorEvent) => {
      if (event.type === "warning.raised") warnings.push(`${event.code}: ${event.message}`);
    };
    const report = await pushBundle(aSource(), target, { modulesPathSuffix: suffix, onEvent });
    expect(await namesIn(target)).toEqual([...unmoved, ...names].sort());
    expect(report.modules).toEqual(["net"]);
    const place = suffix === "/" ? "the target's root" : "my/mods";
    expect(warnings).toEqual(
      suffix === "" ? [] : [`PATH_MOVED: modules go to ${place} at the target, not to modules as usual`],
    );
    const again = await pushBundle(aSource(), target, { modulesPathSuffix: suffix });
    expect([again.images.present, again.discovery.present, again.blobs.written]).toEqual([5, 2, 0]);
  });

  test("publishes them in the order their place in the bundle asks for", async () => {
    const written: string[] = [];
    const onEvent = (event: MirrorEvent) => {
      if (event.type === "image.finished") written.push(event.reference);
    };
    const target = new MemoryRegistry({ name: "t" });
    await pushBundle(aSource(), target, { modulesPathSuffix: "/", inFlight: 50, onEvent });
    const places = ["t/net:v2", "t/net/release:lts", "t:net"].map((name) => written.indexOf(name));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
  });
});

test("packages move by the same rules", async () => {
  const target = new MemoryRegistry();
  await pushBundle(aSource(), target, { packagesPathSuffix: "pkg" });
  expect(await namesIn(target)).toEqual(
    expect.arrayContaining(["pkg/console:v1", "pkg/console/version:stable", "pkg:console", "modules:net"]),
  );
});

test("names of two catalogs that lead to one place are refused when they mean different images", async () => {
  const source = aSource();
  seedMemory(source, "modules/console", [anImage({ tag: "v1", seed: "the module" })]);
  const target = new MemoryRegistry();
  await expect(pushBundle(source, target, { modulesPathSuffix: "packages" })).rejects.toMatchObject({
    code: "TAG_CONFLICT",
    details: { references: ["packages/console:v1"] },
  });
  expect(await namesIn(target)).toEqual([]);
});

test("names of two catalogs that lead to one place and mean one image are one name", async () => {
  const source = aSource();
  seedMemory(source, "modules/console", [anImage({ tag: "v1" })]);
  const target = new MemoryRegistry();
  const report = await pushBundle(source, target, { modulesPathSuffix: "packages" });
  expect(report.images.written).toBe(5);
  expect(report.discovery.written).toBe(2);
});

test("a suffix that is no path is refused before anything is asked", async () => {
  const target = new MemoryRegistry();
  await expect(pushBundle(aSource(), target, { modulesPathSuffix: "../x" })).rejects.toMatchObject({
    code: "INVALID_REFERENCE",
  });
});
