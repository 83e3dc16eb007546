import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MirrorError } from "@tranship/core";
import { MemoryRegistry, RegistryError } from "@tranship/registry";
import { startServer } from "@tranship/registry/server";
import { anImage, seedMemory } from "@tranship/registry/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { treeOf, unfinishedFaults } from "./bundle-judge.ts";
import { failureFaults } from "./failure-judge.ts";
import { heldDifference, readRegistry, repositoriesOf, unfinishedTags } from "./registry-judge.ts";

const lock = "tranship.lock.json";

describe("a bundle that is not finished", () => {
  let folder = "";
  const before = { "a.tar": "", [lock]: "" };
  const truth = { "a.tar": "", [lock]: "" };
  const write = (files: Readonly<Record<string, string>>) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return treeOf(folder);
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tranship-judge-"));
    Object.assign(truth, write({ "a.tar": "new", [lock]: "lock of the new" }));
    Object.assign(before, write({ "a.tar": "old", [lock]: "lock of the old" }));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test("may be the one before, or the new one without its lock, with what is under way beside it", () => {
    expect(unfinishedFaults(folder, before, truth)).toEqual([]);
    rmSync(join(folder, lock));
    mkdirSync(join(folder, ".tranship"));
    write({ "a.tar": "new", "b.tar.partial": "half", ".tranship/plan.ndjson": "{}" });
    expect(unfinishedFaults(folder, before, truth)).toEqual([]);
  });

  test("may not hold something else, or a lock that speaks for what is not there", () => {
    write({ "a.tar": "new" });
    expect(unfinishedFaults(folder, before, truth)).toEqual(["there is a lock file, and not all that it speaks for"]);
    write({ "a.tar": "torn" });
    expect(unfinishedFaults(folder, before, truth)).toContain("a.tar is neither what it was nor what it is to be");
  });
});

describe("a registry", () => {
  const image = anImage({ tag: "v1" });
  const held = async (registry: MemoryRegistry) => {
    const server = await startServer(registry);
    try {
      return await readRegistry(server.host, await repositoriesOf(server.host));
    } finally {
      await server.close();
    }
  };
  const whole = () => {
    const registry = new MemoryRegistry();
    seedMemory(registry, "app", [image]);
    return registry;
  };

  test("is the same as another with the same content, and lacks what it lacks", async () => {
    const truth = await held(whole());
    expect(heldDifference(truth, await held(whole()))).toEqual([]);
    expect(heldDifference(truth, await held(new MemoryRegistry()))).toContain("tags: app:v1");
    expect(unfinishedTags(truth, await held(new MemoryRegistry()), 0)).toEqual([]);
  });

  test("that names what it does not hold, or something else, is broken", async () => {
    const truth = await held(whole());
    const hollow = new MemoryRegistry();
    hollow.repository("app").putManifest(image.manifest, ["v1"]);
    expect(heldDifference(truth, await held(hollow))).toContainEqual(expect.stringMatching(/^app@sha256:.*: 404/));
    expect(unfinishedTags(truth, await held(hollow), 0)).not.toEqual([]);
    const other = new MemoryRegistry();
    seedMemory(other, "app", [anImage({ tag: "v1", seed: "other" })]);
    expect(unfinishedTags(truth, await held(other), 0)).toEqual(["app:v1 leads to something else than it is to"]);
  });
});

describe("a failure", () => {
  const failed = (side: "source" | "target", cause: RegistryError) =>
    new MirrorError(
      "TRANSFER_FAILED",
      "cannot",
      { side, reference: "a/b:c", failure: "transient", code: cause.code },
      { cause },
    );
  const [registry, reference] = ["a", "b"];
  const overloaded = failed("source", new RegistryError("SERVER_ERROR", "503", { registry, reference, status: 503 }));
  const missing = failed("source", new RegistryError("NOT_FOUND", "404", { registry, reference }));

  test.for([
    { name: "what its faults lead to", error: overloaded, source: "503", isRight: true },
    { name: "missing for an overload", error: missing, source: "503", isRight: false },
    { name: "an overload of nothing", error: overloaded, source: undefined, isRight: false },
    { name: "no error of ours", error: new Error("what?"), source: "503", isRight: false },
  ])("that says $name is right: $isRight", ({ error, source, isRight }) => {
    const fired = source === undefined ? {} : { source: new Map([[source, 1]]) };
    expect(failureFaults(error, fired).length === 0).toBe(isRight);
  });

  test("of the other side is wrong", () => {
    expect(failureFaults(overloaded, { target: new Map([["503", 1]]) })).not.toEqual([]);
  });
});
