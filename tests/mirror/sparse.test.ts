import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  Bundle,
  BundleDirectory,
  copyGraph,
  type DownloadList,
  ImagesService,
  inspectBundle,
  LayoutRegistry,
  listPlanner,
  type MirrorEvent,
  plan,
  pull,
  pushBundle,
  repairBundle,
  sync,
  takeInventory,
  verify,
  verifyBundle,
} from "@tranship/core";
import { createRegistry, MemoryRegistry, type Registry, type RepositoryReader } from "@tranship/registry";
import { anArtifact, anImage, anIndex, seedMemory, startTestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { differing, fileDigests } from "../support/bundle-files.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { runTranship } from "../support/run-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { lacking } from "../support/tools.ts";

const platforms = ["amd64", "arm64", "s390x"].map((architecture) => ({ os: "linux", architecture }));
const children = platforms.map((platform) => anImage({ seed: platform.architecture, platform, size: 500 }));
const index = anIndex({ tag: "v1", images: children, platforms });
const other = anImage({ tag: "v0", seed: "another", platform: platforms[1] });
const nested = anIndex({ images: children.slice(0, 2), platforms: platforms.slice(0, 2) });
const outer = anIndex({ tag: "nested", images: [nested, ...children.slice(2)], platforms: [undefined, platforms[2]] });
const signed = [index, ...children].map((subject) =>
  anArtifact({ subject, artifactType: "application/vnd.signature" }),
);
const digests = children.map(({ manifest }) => manifest.descriptor.digest);
const [amd64, arm64, s390x] = digests;
const whole = index.manifest.descriptor.digest;

const source = new MemoryRegistry({ name: "registry.test" });
seedMemory(source, "app", [index, other, ...signed, outer]);

const images = (mode: "narrow" | "sparse" | undefined, tags: readonly string[] = ["v1", "v0"]) =>
  new ImagesService({
    images: tags.map((tag) => `registry.test/app:${tag}`),
    from: () => source,
    paths: { host: "strip" },
    ...(mode ? { platforms: ["linux/arm64"], platformMode: mode } : {}),
  });

async function pulled(folder: string, tags?: readonly string[]): Promise<DownloadList> {
  await using to = await BundleDirectory.open(folder);
  await pull([images("sparse", tags)], { to });
  return await plan([images("sparse", tags)]);
}

const partsOf = (list: DownloadList) =>
  list.archives.flatMap(({ sections }) => sections.flatMap(({ repositories }) => repositories));
const leftOutOf = (list: DownloadList) =>
  partsOf(list).flatMap(({ leftOut = [] }) => leftOut.map(({ digest, platform, index: of }) => [digest, platform, of]));

/** The repository under its name at the registry. */
const named = (repository: RepositoryReader): RepositoryReader =>
  new Proxy(repository, {
    get: (own, key) => {
      const value = key === "name" ? "registry.test/app" : Reflect.get(own, key);
      return typeof value === "function" ? value.bind(own) : value;
    },
  });

/** The list with something else said to be left out. */
const saying = (list: DownloadList, digest: string): DownloadList => {
  const text = JSON.stringify(list);
  return JSON.parse(
    text.replace(`"leftOut":[{"digest":"${[amd64, s390x].sort()[0]}"`, `"leftOut":[{"digest":"${digest}"`),
  );
};

describe("an index of which one platform is brought sparse", () => {
  test("keeps its digest and its signature; what is left out is declared, with what is attached to it", async () => {
    const folder = tempFolder();
    const list = await pulled(folder);
    const declared = [
      [amd64, "linux/amd64", whole],
      [s390x, "linux/s390x", whole],
    ].sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
    expect(leftOutOf(list)).toEqual(declared);
    const brought = new Set(partsOf(list).flatMap(({ blobs }) => blobs.map(({ digest }) => digest)));
    expect(digests.map((digest) => brought.has(digest))).toEqual([false, true, false]);
    expect(signed.map(({ manifest }) => brought.has(manifest.descriptor.digest))).toEqual([true, false, true, false]);
    await using bundle = await Bundle.open(folder);
    expect((await bundle.repository("app").resolve("v1"))?.digest).toBe(whole);
    expect(await bundle.repository("app").resolve(amd64 ?? whole)).toBeUndefined();
    expect(await verifyBundle(bundle)).toMatchObject({ ok: true, findings: [], leftOut: { manifests: 2 } });
    expect(await verify(bundle, list)).toMatchObject({ ok: true, leftOut: { manifests: 2 } });
    expect((await inspectBundle(bundle)).leftOut?.map(({ platform }) => platform).sort()).toEqual([
      "linux/amd64",
      "linux/s390x",
    ]);
    expect((await inspectBundle(bundle)).lacking).toEqual([]);
    const warnings: MirrorEvent[] = [];
    await takeInventory(bundle, { onEvent: (event) => void warnings.push(event) });
    expect(warnings).toEqual([]);
  });

  test("is told from damage where an archive lies alone, and so is one whose index is nested", async () => {
    const folder = tempFolder();
    const alone = tempFolder();
    await pulled(folder, ["nested", "v0"]);
    await using bundle = await Bundle.open(folder);
    const [archive] = bundle.archives;
    if (!archive) throw new Error("no archive");
    await copyFile(join(folder, archive.archive), join(alone, archive.archive));
    for (const place of [folder, join(alone, archive.archive)]) {
      await using read = await Bundle.open(place);
      expect(await verifyBundle(read)).toMatchObject({ ok: true, leftOut: { manifests: 2 } });
      await pushBundle(read, new MemoryRegistry());
    }
  });

  test("is repaired to what it was, and a pull of its plan makes the same", async () => {
    const folder = tempFolder();
    const again = tempFolder();
    const list = await pulled(folder);
    expect((await repairBundle(folder, { source: () => source })).archives).toMatchObject([{ outcome: "whole" }]);
    await using to = await BundleDirectory.open(again);
    await pull([listPlanner(list, source)], { to });
    expect(differing(await fileDigests(folder), await fileDigests(again))).toEqual([]);
  });

  test.for([
    { what: "another manifest", digest: `sha256:${"0".repeat(64)}` },
    { what: "what is wanted", digest: arm64 ?? "" },
  ])("is refused from a plan that leaves out $what", async ({ digest }) => {
    const list = saying(await plan([images("sparse")]), digest);
    await expect(plan([listPlanner(list, source)])).rejects.toMatchObject({ code: "PLAN_INVALID" });
  });
});

describe("a child that is not declared", () => {
  test("is missed as ever, by a verification and by a push", async () => {
    const folder = tempFolder();
    const list = await pulled(folder);
    const silent = JSON.parse(JSON.stringify(list).replace(/,"leftOut":\[[^\]]*\]/g, "")) as DownloadList;
    const lock = join(folder, "tranship.lock.json");
    const written = JSON.parse(await readFile(lock, "utf8"));
    await writeFile(lock, JSON.stringify({ ...written, archives: silent.archives }));
    await using bundle = await Bundle.open(folder);
    const codes = (await verifyBundle(bundle)).findings.map(({ code }) => code);
    expect(codes.filter((code) => code === "NOT_FOUND")).toHaveLength(2);
    await expect(pushBundle(bundle, new MemoryRegistry())).rejects.toMatchObject({ code: "ARCHIVE_INVALID" });
    const target = new MemoryRegistry();
    await sync([images("sparse")], { to: target });
    expect((await verify(target, list)).findings).toEqual([]);
    expect((await verify(target, silent)).findings.map(({ code }) => code)).toEqual([
      "BLOB_UNPLANNED",
      "BLOB_UNPLANNED",
    ]);
  });
});

describe("a target", () => {
  const has = async (target: Registry, reference: string) =>
    (await target.repository("app").resolve(reference as never)) !== undefined;

  test("that has a sparse index gets the other platforms with the next push that brings them", async () => {
    const folder = tempFolder();
    const target = new MemoryRegistry();
    const list = await pulled(folder);
    await using bundle = await Bundle.open(folder);
    await pushBundle(bundle, target);
    expect(await verify(target, list)).toMatchObject({ findings: [], ok: true });
    expect((await pushBundle(bundle, target)).images).toMatchObject({ written: 0, present: 2 });
    const report = await sync([images(undefined)], { to: target });
    expect(report.images).toMatchObject({ written: 1, replaced: 0 });
    expect((await verify(target, await plan([images(undefined)]))).findings).toEqual([]);
    expect((await verify(target, list)).findings).toEqual([]);
  });

  test("that is a folder of layouts says what is left out, and is a source that is sparse itself", async () => {
    const layouts = await LayoutRegistry.open(tempFolder());
    const { leftOut } = await sync([images("sparse")], { to: layouts });
    expect(leftOut?.manifests).toBe(2);
    const codes: string[] = [];
    const onEvent = (event: MirrorEvent) => void (event.type === "warning.raised" && codes.push(event.code));
    const from = (platforms: readonly string[]) =>
      new ImagesService({
        images: ["registry.test/app:v1"],
        from: () =>
          ({ ...layouts, name: "registry.test", repository: () => named(layouts.repository("app")) }) as never,
        paths: { host: "strip" },
        ...(platforms.length > 0 ? { platforms, platformMode: "sparse" } : {}),
      });
    expect(leftOutOf(await plan([from([])], { onEvent }))).toEqual(leftOutOf(await plan([images("sparse", ["v1"])])));
    expect(codes).toEqual(["PLATFORMS_LEFT_OUT"]);
    await expect(plan([from(["linux/amd64"])])).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
    expect((await pushBundle(layouts, new MemoryRegistry())).leftOut).toEqual(leftOut);
  });

  const kinds = [
    { kind: "a registry that looks for what an index lists", start: () => startTestRegistry({ wholeIndexes: true }) },
    { kind: "docker-registry", start: startDockerRegistry },
  ];
  test.for(kinds)(
    "$kind refuses it before a tag is moved, unless the rest is there",
    async ({ kind, start }, { skip }) => {
      if (kind === "docker-registry" && lacking(kind).length > 0) skip();
      await using server = await start();
      await using target = createRegistry(server.host, { retryDelayMs: 1 });
      const failure = sync([images("sparse")], { to: target });
      await expect(failure).rejects.toMatchObject({ code: "SPARSE_INDEX_REFUSED", details: { leftOut: 2 } });
      await expect(failure).rejects.toThrow(whole);
      expect([await has(target, "v0"), await has(target, "v1")]).toEqual([false, false]);
      for (const child of children) {
        const loose = new MemoryRegistry({ name: "loose" });
        seedMemory(loose, "app", [child]);
        await copyGraph(loose.repository("app"), target.repository("app"), child.manifest.descriptor);
      }
      await sync([images("sparse")], { to: target });
      expect([await has(target, "v0"), await has(target, "v1")]).toEqual([true, true]);
    },
  );
});

test("is asked for by --sparse, which needs --platform", async () => {
  const { code, stderr } = await runTranship("plan", "--image", "registry.test/app:v1", "--sparse");
  expect([code, stderr]).toEqual([2, expect.stringContaining("--sparse needs --platform")]);
});
