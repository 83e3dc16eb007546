import { digestOf, MediaType } from "@tranship/registry";
import { describe, expect, test } from "vitest";
import { isMirrorError } from "../errors.ts";
import { type DownloadList, formatDownloadList } from "./download-list.ts";
import {
  formatInventory,
  type Inventory,
  inventoryDigest,
  inventoryFrom,
  inventoryOf,
  joinInventories,
  parseInventory,
} from "./inventory.ts";

const digest = (text: string) => digestOf(new TextEncoder().encode(text));
const blob = (text: string, size = 10) => ({ digest: digest(text), size });
const planned = (text: string, mediaType: string) => ({ ...blob(text), mediaType });

const list: DownloadList = {
  version: 1,
  archives: [
    {
      archive: "a.tar",
      component: "packages",
      item: "a",
      sections: [
        {
          repositories: [
            {
              path: "packages/a",
              source: "source/packages/a",
              images: [],
              blobs: [planned("layer", MediaType.ociLayer), planned("manifest", MediaType.ociManifest)],
              assumed: [{ ...planned("old", MediaType.ociLayer), from: ["packages/a"] }],
            },
          ],
        },
      ],
    },
  ],
  missing: [],
};

describe("an inventory", () => {
  test("has one text for one content, whatever order and doubles it came in", () => {
    const one = inventoryFrom("mirror", [
      { path: "b", blobs: [blob("x"), blob("y")] },
      { path: "a", blobs: [blob("x")] },
      { path: "none", blobs: [] },
    ]);
    const other = inventoryFrom("mirror", [
      { path: "a", blobs: [blob("x"), blob("x")] },
      { path: "b", blobs: [blob("y")] },
      { path: "b", blobs: [blob("x")] },
    ]);
    expect(formatInventory(one)).toBe(formatInventory(other));
    expect(one.repositories.map(({ path }) => path)).toEqual(["a", "b"]);
    expect(parseInventory(formatInventory(one), "have.json")).toEqual(one);
  });

  test("has a digest of its content alone", () => {
    const content = [{ path: "a", blobs: [blob("x")] }];
    expect(inventoryDigest(inventoryFrom("one", content))).toBe(inventoryDigest(inventoryFrom("other", content)));
    const more = [...content, { path: "b", blobs: [blob("x")] }];
    expect(inventoryDigest(inventoryFrom("one", more))).not.toBe(inventoryDigest(inventoryFrom("one", content)));
  });

  test("of a plan is what it brings and what it relies on, without manifests", () => {
    const { repositories } = parseInventory(formatDownloadList(list), "plan.json");
    expect(repositories).toEqual(inventoryOf(list).repositories);
    expect(repositories[0]?.blobs.map((held) => held.digest).sort()).toEqual([digest("layer"), digest("old")].sort());
  });

  test("of several is what any of them has", () => {
    const first = inventoryFrom("one", [{ path: "a", blobs: [blob("x")] }]);
    const second = inventoryFrom("two", [{ path: "a", blobs: [blob("y"), blob("x")] }]);
    expect(joinInventories([first, second])).toEqual({ ...second, place: "one, two" });
  });
});

describe("a file that is given as a base is refused", () => {
  const good: Inventory = inventoryFrom("mirror", [{ path: "a", blobs: [blob("x")] }]);
  test.for([
    { name: "when it is no JSON", text: "{", reason: "it is not JSON" },
    { name: "when it is JSON of nothing", text: "null", reason: "neither an inventory nor a plan" },
    { name: "when it is something else", text: '{"version":1}', reason: "neither an inventory nor a plan" },
    { name: "for an unknown kind", text: JSON.stringify({ ...good, kind: "stock" }), reason: "neither an inventory" },
    { name: "for an unknown version", text: JSON.stringify({ ...good, version: 2 }), reason: "its version is 2" },
    {
      name: "for a path that climbs",
      text: JSON.stringify({ ...good, repositories: [{ path: "../a", blobs: [] }] }),
      reason: "repositories.0.path",
    },
    {
      name: "for a size that is none",
      text: JSON.stringify({ ...good, repositories: [{ path: "a", blobs: [{ digest: digest("x"), size: -1 }] }] }),
      reason: "repositories.0.blobs.0.size",
    },
  ])("$name", ({ text, reason }) => {
    const parse = () => parseInventory(text, "have.json");
    expect(parse).toThrow(`cannot use have.json as a base: `);
    expect(parse).toThrow(reason);
    expect(codeOf(parse)).toBe("INVENTORY_INVALID");
  });

  test("but not for a zero below zero, which is none", () => {
    const text = JSON.stringify({ ...good, repositories: [{ path: "a", blobs: [{ digest: digest("x"), size: 0 }] }] });
    const { repositories } = parseInventory(text.replace('"size":0', '"size":-0'), "have.json");
    expect(repositories[0]?.blobs[0]?.size).toBe(0);
  });

  test("as a plan, when it is a plan that cannot be read", () => {
    expect(codeOf(() => parseInventory(JSON.stringify({ ...list, version: 7 }), "plan.json"))).toBe("PLAN_INVALID");
  });
});

function codeOf(action: () => unknown): string | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    return isMirrorError(error) ? error.code : "another error";
  }
}
