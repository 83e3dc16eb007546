import { digestOf, MediaType } from "@tranship/registry";
import { describe, expect, test } from "vitest";
import { baseOf, withoutBase } from "./base.ts";
import { inventoryFrom } from "./inventory.ts";
import { type PlannedBlob, type Section, sectionSchema } from "./section.ts";

const blob = (text: string, mediaType: string = MediaType.ociLayer): PlannedBlob => ({
  digest: digestOf(new TextEncoder().encode(text)),
  size: text.length,
  mediaType,
});
const [manifest, config, layer] = [
  blob("manifest", MediaType.ociManifest),
  blob("config", MediaType.ociConfig),
  blob("a layer"),
];

function sectionOf(path: string, blobs: readonly PlannedBlob[]): Section {
  return { repositories: [{ path, source: `source/${path}`, images: [], blobs }] };
}

function baseWith(paths: readonly string[], blobs: readonly PlannedBlob[]) {
  return baseOf(
    inventoryFrom(
      "mirror",
      paths.map((path) => ({ path, blobs })),
    ),
  );
}

describe("a section over a base", () => {
  test("leaves configs and layers out that the base has, and keeps manifests whatever it has", () => {
    const base = baseWith(["packages/a"], [manifest, config, layer]);
    const other = blob("another layer");
    const [repository] = withoutBase(sectionOf("packages/a", [manifest, config, layer, other]), base).repositories;
    expect(repository?.blobs).toEqual([manifest, other]);
    expect(repository?.assumed?.map(({ digest }) => digest).sort()).toEqual([config.digest, layer.digest].sort());
  });

  test("is as it was, without a word about a base, when the base has nothing of it", () => {
    const section = sectionOf("packages/a", [manifest, config, layer]);
    expect(withoutBase(section, baseWith(["packages/a"], [blob("elsewhere")]))).toEqual(section);
  });

  test("names the repository itself first, then others in order, and no more than four", () => {
    const paths = ["z", "packages/a", "c", "b", "d", "e"];
    const from = (path: string) =>
      withoutBase(sectionOf(path, [layer]), baseWith(paths, [layer])).repositories[0]?.assumed?.[0]?.from;
    expect(from("z")).toEqual(["z", "b", "c", "d"]);
    expect(from("new")).toEqual(["b", "c", "d", "e"]);
  });

  test("brings a blob along that the base gives another size, or two, and tells", () => {
    const lies = [{ ...layer, size: layer.size + 1 }];
    const twofold = baseOf(
      inventoryFrom("mirror", [
        { path: "a", blobs: [config, { ...config, size: 1 }] },
        { path: "b", blobs: lies },
      ]),
    );
    const told: [string, readonly number[]][] = [];
    const section = sectionOf("a", [config, layer]);
    const over = withoutBase(section, twofold, ({ digest }, sizes) => told.push([digest, sizes]));
    expect(over).toEqual(section);
    expect(told).toEqual([
      [config.digest, [1, config.size]],
      [layer.digest, [layer.size + 1]],
    ]);
  });

  test("keeps what it left out before, so that a second base adds to it", () => {
    const section = sectionOf("a", [manifest, config, layer]);
    const once = withoutBase(section, baseWith(["a"], [config]));
    const twice = withoutBase(once, baseWith(["a"], [layer]));
    expect(twice).toEqual(withoutBase(section, baseWith(["a"], [config, layer])));
  });
});

test("a section that claims to leave out a manifest is refused", () => {
  const assumed = (mediaType: string) => [{ ...layer, mediaType, from: [] }];
  const parse = (mediaType: string) =>
    sectionSchema.safeParse({
      repositories: [{ path: "a", source: "source/a", images: [], blobs: [], assumed: assumed(mediaType) }],
    });
  expect(parse(MediaType.ociLayer).success).toBe(true);
  expect(parse(MediaType.ociIndex).success).toBe(false);
});
