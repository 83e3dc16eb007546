import { MemoryRegistry } from "@tranship/registry";
import { anImage, seedMemory } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { PackagesService } from "../services/catalog/packages-service.ts";
import { diffDownloadLists } from "./diff-lists.ts";

const images = {
  old: anImage({ tag: "v1.0.0" }),
  now: anImage({ tag: "v1.1.0" }),
  before: anImage({ tag: "bob", seed: "before" }),
  after: anImage({ tag: "bob", seed: "after" }),
};

/** A source with the package `app`. */
function aSource(...of: readonly ReturnType<typeof anImage>[]): MemoryRegistry {
  const source = new MemoryRegistry({ name: "source" });
  seedMemory(source, "packages", [anImage({ tag: "app" })]);
  seedMemory(source, "packages/app", of);
  return source;
}

const planOf = (source: MemoryRegistry, ...tags: readonly string[]) =>
  new PackagesService({ source, include: tags.map((tag) => `app@=${tag}`) }).plan();

test("two lists differ in tags that came, went and moved, and in the content that came and went with them", async () => {
  const old = await planOf(aSource(images.old, images.before), "v1.0.0", "bob");
  const now = await planOf(aSource(images.now, images.after), "v1.1.0", "bob");
  const digestOf = (name: keyof typeof images) => images[name].manifest.descriptor.digest;
  const sizeOf = (...names: readonly (keyof typeof images)[]) =>
    names
      .flatMap((name) => [images[name].manifest.descriptor, ...images[name].blobs])
      .reduce((sum, { size }) => sum + size, 0);
  expect(diffDownloadLists(old, now)).toEqual({
    repositories: [
      {
        path: "packages/app",
        added: [{ tag: "v1.1.0", digest: digestOf("now") }],
        removed: [{ tag: "v1.0.0", digest: digestOf("old") }],
        moved: [{ tag: "bob", from: digestOf("before"), to: digestOf("after") }],
      },
    ],
    new: { blobs: 6, bytes: sizeOf("now", "after") },
    gone: { blobs: 6, bytes: sizeOf("old", "before") },
  });
});

test("a list does not differ from itself, nor in content that a base brings", async () => {
  const source = aSource(images.old);
  const list = await planOf(source, "v1.0.0");
  const nothing = { blobs: 0, bytes: 0 };
  expect(diffDownloadLists(list, list)).toEqual({ repositories: [], new: nothing, gone: nothing });
  const blobs = images.old.blobs.map(({ digest, size }) => ({ digest, size }));
  const base = {
    version: 1,
    kind: "inventory",
    place: "there",
    repositories: [{ path: "packages/app", blobs }],
  } as const;
  const delta = await new PackagesService({ source, include: ["app@=v1.0.0"] }).plan({ base });
  expect(diffDownloadLists(list, delta)).toEqual({ repositories: [], new: nothing, gone: nothing });
  expect(diffDownloadLists(delta, list)).toEqual({ repositories: [], new: nothing, gone: nothing });
});

test("a repository that is only in one list has all its tags added or removed", async () => {
  const source = aSource(images.old);
  const empty = { version: 1, archives: [], missing: [] } as const;
  const list = await planOf(source, "v1.0.0");
  expect(diffDownloadLists(empty, list).repositories).toMatchObject([{ added: [{ tag: "v1.0.0" }], removed: [] }]);
  expect(diffDownloadLists(list, empty).repositories).toMatchObject([{ added: [], removed: [{ tag: "v1.0.0" }] }]);
});
