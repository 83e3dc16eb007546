import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import type { Digest } from "@tranship/registry";
import { anImage, anIndex } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { arm, fileItem, filesIn, imageItem, push, write } from "../../../../../tests/support/cache-items.ts";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { LayoutRegistry } from "../../layout/layout-registry.ts";
import { DepsCache } from "../cache/deps-cache.ts";
import type { DepsEvent } from "../events.ts";
import { keepingTag } from "../images/layout-names.ts";
import type { ItemJob } from "../jobs/item-job.ts";
import type { DepsItem } from "../manifest.ts";
import { exportCache } from "./export-cache.ts";
import { prunePlan } from "./plan-pruning.ts";
import { prune } from "./prune.ts";
import { verifyItems } from "./verify-items.ts";

const checking: ItemJob = {
  probe: async ({ sink, digest }, { contents, isDeep, signal }) => {
    if (sink.type !== "file" || digest === undefined) return "unpinned";
    return await contents.check(sink.path, { digest }, { isDeep, signal });
  },
  bring: () => Promise.reject(new Error("nothing is brought")),
  content: async () => ({ sizeBytes: 0 }),
};

test("verifying tells what is there, missing and harmed, and reads what items share once", async () => {
  const root = tempFolder();
  await using cache = await DepsCache.open(root);
  const good = fileItem(root, "good", "good");
  const items = [good, { ...good, id: "same" }, fileItem(root, "bad", "bad"), fileItem(root, "gone", "gone")];
  const [, , bad, gone] = items as [DepsItem, DepsItem, DepsItem, DepsItem];
  for (const [item, text] of [
    [bad, "BAD"],
    [gone, undefined],
  ] as const) {
    if (item.sink.type !== "file") throw new Error("it is a file");
    if (text === undefined)
      expect(await prune(cache, await prunePlan(cache, items.slice(0, 3)))).toMatchObject({ removed: 4 });
    else writeFileSync(item.sink.path, text);
  }
  const events: DepsEvent[] = [];
  let reads = 0;
  const counting = {
    check: (...args: Parameters<typeof cache.contents.check>) => {
      reads += 1;
      return cache.contents.check(...args);
    },
    note: cache.contents.note.bind(cache.contents),
    known: cache.contents.known.bind(cache.contents),
  };
  const jobs = { http: checking };
  const report = await verifyItems(
    items,
    { contents: counting },
    { jobs, isDeep: true, onEvent: (event) => events.push(event) },
  );
  expect(report).toMatchObject({ present: 2, absent: 1, differs: 1, isWhole: false });
  expect(report.items.map(({ presence }) => presence)).toEqual(["present", "present", "differs", "absent"]);
  expect(reads).toBe(3);
  const ends = events.flatMap((event) =>
    "item" in event && event.type !== "checking" ? [`${event.item} ${event.type}`] : [],
  );
  expect(ends.sort()).toEqual(["bad failed", "gone failed", "good cached", "same cached"]);
  const ending = new AbortController();
  const told: DepsEvent[] = [];
  const onEvent = (event: DepsEvent) => {
    told.push(event);
    ending.abort(new Error("enough"));
  };
  await expect(verifyItems(items, cache, { jobs, signal: ending.signal, onEvent })).rejects.toThrow("enough");
  expect(told.map((event) => (event.type === "failed" ? event.error.code : event.type))).toEqual([
    "checking",
    "ABORTED",
  ]);
});

test("nothing goes from a layout with an item that neither a digest nor a tag tells from others, nor into an archive", async () => {
  const root = tempFolder();
  await using cache = await DepsCache.open(root);
  const store = join(root, "charts");
  const layouts = await LayoutRegistry.open(store, { create: true });
  const chart = anImage({ tag: keepingTag(anImage().manifest.descriptor.digest) });
  await push(layouts.repository("local/web"), chart);
  const { digest: _, ...nameless } = imageItem(store, "local/web", chart.manifest.descriptor.digest);
  expect(await prunePlan(cache, [nameless])).toMatchObject({ removals: [], layouts: [] });
  await expect(exportCache(cache, [nameless], join(root, "x.tar"))).rejects.toMatchObject({ code: "INCOMPLETE" });
});

test("items of a cache that is known by another name are kept and exported, with the store beside it", async () => {
  const real = join(tempFolder(), "real");
  mkdirSync(join(real, "deps"), { recursive: true });
  const alias = join(tempFolder(), "alias");
  symlinkSync(real, alias);
  await using cache = await DepsCache.open(join(alias, "deps"));
  const one = anImage({ tag: "v1" });
  await push((await LayoutRegistry.open(join(real, "registry"), { create: true })).repository("q.io/app"), one);
  const image = imageItem(join(alias, "registry"), "q.io/app", one.manifest.descriptor.digest, { tags: ["v1"] });
  const items = [fileItem(join(alias, "deps"), "kept", "kept"), image];
  for (const store of [undefined, join(alias, "registry"), join(real, "registry")]) {
    expect(await prunePlan(cache, items, { store })).toMatchObject({ removals: [], layouts: [], unknown: [] });
    const { files } = await exportCache(cache, items, join(real, "x.tar"), { store });
    expect(files).toBe(1 + one.blobs.length + 3); // the image's manifest, index.json and oci-layout
  }
  const gone = await prunePlan(cache, items.slice(0, 1), { former: items });
  expect(gone.layouts.map(({ layout }) => layout)).toEqual([join(real, "registry", "q.io", "app")]);
});

test("pruning leaves what is kept and what is unknown, and nothing else, and finds nothing more to do", async () => {
  const root = join(tempFolder(), "deps");
  await using cache = await DepsCache.open(root);
  const kept = fileItem(root, "kept", "kept");
  const old = fileItem(root, "old", "old");
  const store = join(dirname(root), "registry");
  const layouts = await LayoutRegistry.open(store, { create: true });
  const app = layouts.repository("mirror/q.io/app");
  const [amd, armed] = [anImage({ seed: "amd" }), anImage({ seed: "arm", platform: arm })];
  const [was, foreign, lone] = [anImage({ tag: "v0" }), anImage({ tag: "theirs" }), anImage({ seed: "lone" })];
  const index = anIndex({ images: [amd, armed], tag: "v1" });
  const signature = anImage({ seed: "signature", subject: amd });
  for (const thing of [index, was, foreign, lone, signature]) await push(app, thing);
  const gone = layouts.repository("mirror/q.io/gone");
  await push(gone, anImage({ tag: "v9" }));
  write(join(store, "_trivy", "db"), "zot's");
  write(join(root, "readme.txt"), "somebody's");
  symlinkSync("/nowhere", join(root, "vmconfig", "artifacts", "dead"));
  const history = ["20260101T000000Z-0123456789ab", "20260102T000000Z-0123456789ab", "20260103T000000Z-0123456789ab"];
  for (const name of ["components", ...history.map((one) => `components-${one}`)])
    write(join(root, "components", "manifests", `${name}.json`), "{}");
  for (const mirror of ["kept", "old"]) {
    write(join(root, "git", "git.example", mirror, "HEAD"), "ref: refs/heads/main\n");
    mkdirSync(join(root, "git", "git.example", mirror, "objects"));
  }
  const partial = write(join(root, ".tranship", "partial", `sha256-${"0".repeat(64)}`), "half");
  utimesSync(partial, 1_000_000, 1_000_000);
  write(join(root, ".tranship", "partial", `sha256-${"1".repeat(64)}`), "half");
  const git: DepsItem = {
    ...kept,
    id: "git",
    source: { type: "git", url: "https://git.example/kept", ref: { type: "branch", name: "main" } },
    sink: { type: "file", path: join(root, "git", "git.example", "kept"), links: [] },
  };
  const keep = [kept, git, imageItem(store, "mirror/q.io/app", amd.manifest.descriptor.digest, { tags: ["v1"] })];
  const former = [
    imageItem(store, "mirror/q.io/app", was.manifest.descriptor.digest, { tags: ["v0"] }),
    imageItem(store, "mirror/q.io/gone", was.manifest.descriptor.digest, { tags: ["v9"] }),
  ];
  const before = filesIn(dirname(root));
  const plan = await prunePlan(cache, keep, { former, keepHistory: 2 });
  expect(filesIn(dirname(root))).toEqual(before);
  expect(JSON.parse(JSON.stringify(plan))).toMatchObject(JSON.parse(JSON.stringify(plan)) as object);
  expect(plan.unknown.map(({ path }) => relative(dirname(root), path)).sort()).toEqual([
    "deps/readme.txt",
    "registry/_trivy",
  ]);
  const report = await prune(cache, plan);
  expect(report).toMatchObject({ removed: plan.removals.length, kept: [] });
  const left = filesIn(dirname(root));
  expect(left.filter((path) => !path.includes("blobs"))).toEqual([
    "deps/components/manifests/components-20260102T000000Z-0123456789ab.json",
    "deps/components/manifests/components-20260103T000000Z-0123456789ab.json",
    "deps/components/manifests/components.json",
    "deps/git/git.example/kept/HEAD",
    "deps/readme.txt",
    "deps/vmconfig/artifacts/kept/1.0/kept",
    "registry/_trivy/db",
    "registry/mirror/q.io/app/index.json",
    "registry/mirror/q.io/app/oci-layout",
  ]);
  if (old.sink.type === "file") expect(existsSync(old.sink.path)).toBe(false);
  expect(readFileSync(join(root, "vmconfig", "artifacts", "kept", "1.0", "kept"), "utf8")).toBe("kept");
  expect(readdirSync(join(root, ".tranship", "partial"))).toEqual([`sha256-${"1".repeat(64)}`]);
  expect(existsSync(join(store, "mirror", "q.io", "gone"))).toBe(false);
  const names = async (...references: readonly string[]) =>
    await Promise.all(references.map(async (one) => (await app.resolve(one as Digest)) !== undefined));
  const digests = [index, armed, signature, lone, was].map(({ manifest }) => manifest.descriptor.digest);
  expect(await names("v1", "theirs", "v0", ...digests)).toEqual([true, true, false, true, true, true, false, false]);
  for (const blob of [...amd.blobs, ...armed.blobs, ...foreign.blobs])
    expect(await app.statBlob(blob.digest)).toBeDefined();
  for (const layer of [...was.layers, ...lone.layers]) expect(await app.statBlob(layer.digest)).toBeUndefined();
  expect(await prunePlan(cache, keep, { former, keepHistory: 2 })).toMatchObject({
    layouts: [],
    removals: [],
    freedBytes: 0,
  });
});

test("pruning keeps everything rather than nothing, what was changed since, and layouts it cannot read", async () => {
  const root = tempFolder();
  await using cache = await DepsCache.open(root);
  const [kept, old] = [fileItem(root, "kept", "kept"), fileItem(root, "old", "old")];
  await expect(prunePlan(cache, [])).rejects.toMatchObject({ code: "SELECTION_INVALID" });
  const store = join(root, "registry");
  const repository = (await LayoutRegistry.open(store, { create: true })).repository("app");
  const image = anImage({ tag: "v1" });
  await push(repository, image);
  await push(repository, anImage({ seed: "untagged" }));
  const plan = await prunePlan(cache, [kept]);
  if (old.sink.type !== "file") throw new Error("it is a file");
  writeFileSync(old.sink.path, "somebody wrote here");
  await push(repository, anImage({ tag: "v2" }));
  const report = await prune(cache, plan);
  expect(report.kept.map(({ path }) => path).sort()).toEqual([join(store, "app"), old.sink.path].sort());
  expect(await repository.resolve("v1")).toBeDefined();
  writeFileSync(join(store, "app", "blobs", "sha256", image.manifest.descriptor.digest.slice(7)), "harmed");
  const careful = await prunePlan(cache, [kept]);
  expect(careful.removals.filter(({ path }) => path.startsWith(store))).toEqual([]);
  expect(careful.unknown.map(({ path }) => path)).toEqual([join(store, "app")]);
  const elsewhere = { path: "/elsewhere", workFolder: "/elsewhere", save: async () => {} };
  await expect(prune(elsewhere, plan)).rejects.toThrow(TypeError);
  await using reader = await DepsCache.open(root, { readOnly: true });
  await expect(prune(reader, plan)).rejects.toMatchObject({ code: "FILE_FAILED", details: { reason: "READ_ONLY" } });
});

test("a pruning that is ended anywhere leaves whole layouts, and the next one does the rest", async () => {
  for (let steps = 0, isDone = false; !isDone; steps += 2) {
    const root = tempFolder();
    await using cache = await DepsCache.open(root);
    const store = join(root, "registry");
    const repository = (await LayoutRegistry.open(store, { create: true })).repository("app");
    const [kept, old] = [anImage({ tag: "v2" }), anImage({ tag: "v1" })];
    await push(repository, kept);
    await push(repository, old);
    const keep = [imageItem(store, "app", kept.manifest.descriptor.digest, { tags: ["v2"] })];
    const former = [imageItem(store, "app", old.manifest.descriptor.digest, { tags: ["v1"] })];
    const plan = await prunePlan(cache, keep, { former });
    isDone = steps >= plan.removals.length;
    expect(plan.removals.length).toBeGreaterThan(2);
    let asked = 0;
    const signal = Object.assign(new AbortController().signal, {
      throwIfAborted() {
        asked += 1;
        if (asked > steps) throw new Error("killed");
      },
    });
    await prune(cache, plan, { signal }).catch((error: Error) => expect(error.message).toBe("killed"));
    const after = (await LayoutRegistry.open(store)).repository("app");
    for await (const tag of after.tags()) {
      const { blobs } = tag === "v2" ? kept : old;
      expect(await after.resolve(tag)).toBeDefined();
      for (const blob of blobs) expect(await after.statBlob(blob.digest)).toEqual({ size: blob.size });
    }
    await prune(cache, await prunePlan(cache, keep, { former }));
    expect(filesIn(join(store, "app", "blobs"))).toHaveLength(kept.blobs.length + 1);
  }
});
