import { execFileSync, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { createRegistry } from "@tranship/registry";
import { aBlob, aLayer, anImage, faults, startTestRegistry, type TestRegistry } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { tempFolder } from "../../../../tests/support/temp-folder.ts";
import type { RootfsEvent } from "./events.ts";
import { exportTar, streamRegistryToDir } from "./export.ts";
import type { KeptLayers } from "./layers/fetch-layers.ts";
import { LayerCache } from "./layers/layer-cache.ts";
import { Rootfs } from "./rootfs.ts";
import { prepareSource } from "./source/prepare-source.ts";
import type { PreparedSource } from "./source/source.ts";
import { ownerHere } from "./store/build-owner.ts";

const base = aLayer({ files: { "etc/a": "one", "etc/b": "two", "var/log/old": "x" } });
const upper = aLayer({ files: { "etc/.wh.a": "", "etc/c": "three", "var/.wh..wh..opq": "", "var/new": "y" } });

async function seeded(registry: TestRegistry, layers = [base, upper]): Promise<PreparedSource> {
  registry.seed("demo/app", anImage({ tag: "v1", layers }));
  return await prepareSource({
    imageRef: `${registry.host}/demo/app:v1`,
    from: (host) => createRegistry(host, { attempts: 1 }),
    platform: { os: "linux", architecture: "amd64" },
    mode: "native",
  });
}

const paths = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

const blobsAsked = (registry: TestRegistry) =>
  registry.requests().filter(({ path }) => path.includes("/blobs/")).length;

test("an image is read, edited and written in any form, and each layer is fetched once", async () => {
  await using registry = await startTestRegistry();
  const folder = tempFolder();
  const source = await seeded(registry);
  const before = registry.requests().length;
  const events: RootfsEvent[] = [];
  await using rootfs = await Rootfs.open(source, { directory: folder, onEvent: (event) => events.push(event) });
  expect(rootfs.files.list("/etc")).toEqual(["b", "c"]);
  rootfs.files.write("/etc/hostname", "vm\n");
  const directory = join(folder, "dir");
  await rootfs.writeDirectory(directory);
  expect(paths(directory)).toEqual(["etc/b", "etc/c", "etc/hostname", "var/new"]);
  expect(readFileSync(join(directory, "etc/c"), "utf8")).toBe("three");
  const { entries } = await rootfs.writeTar(join(folder, "out.tar"));
  const listed = execFileSync("tar", ["tf", join(folder, "out.tar")], { encoding: "utf8" })
    .trim()
    .split("\n");
  expect(listed).toHaveLength(entries);
  expect(listed).toContain("etc/hostname");
  expect(rootfs.totals()).toMatchObject({ files: 4, directories: 3 });
  const asked = registry.requests().slice(before);
  expect(asked.map(({ method, path }) => `${method} ${path}`).sort()).toEqual(
    [base, upper].map(({ digest }) => `GET /v2/demo/app/blobs/${digest}`).sort(),
  );
  const stages = events.flatMap((event) => (event.type === "stage.finished" ? [event.stage] : []));
  expect(stages).toEqual(["download", "merge", "write", "write"]);
});

test("nothing of an image stays behind once it is closed", async () => {
  await using registry = await startTestRegistry();
  const folder = tempFolder();
  const rootfs = await Rootfs.open(await seeded(registry), { directory: folder });
  expect(readdirSync(folder)).toHaveLength(1);
  expect(statSync(join(folder, readdirSync(folder)[0] ?? "")).mode & 0o777).toBe(0o700);
  await rootfs[Symbol.asyncDispose]();
  expect(readdirSync(folder)).toEqual([]);
});

test("a layer that is no archive fails as itself, ends what is on its way and leaves nothing", async () => {
  await using registry = await startTestRegistry();
  const folder = tempFolder();
  const broken = {
    ...aBlob({ content: new Uint8Array(2048).fill(7), mediaType: base.mediaType }),
    ...(base.diffId && { diffId: base.diffId }),
  };
  const source = await seeded(registry, [base, broken, aLayer({ size: 300_000 })]);
  await expect(Rootfs.open(source, { directory: folder })).rejects.toMatchObject({
    code: "LAYER_INVALID",
    details: { layer: 1, digest: broken.digest },
  });
  expect(readdirSync(folder)).toEqual([]);
});

test("a layer that fails while the end of others takes its time fails the call, and nothing else", async () => {
  await using registry = await startTestRegistry();
  const broken = aBlob({ content: new Uint8Array(2048).fill(7), mediaType: base.mediaType });
  const source = await seeded(registry, [{ ...broken, ...(base.diffId && { diffId: base.diffId }) }, upper]);
  const cache: KeptLayers = {
    take: async ({ digest }, _path, signal) => {
      if (digest === upper.digest) await once(signal, "abort");
      if (digest === upper.digest) await delay(5); // as a copy on its way would
      return false;
    },
    keep: async () => {},
  };
  const nobodys: unknown[] = [];
  const hear = (error: unknown) => nobodys.push(error);
  process.on("unhandledRejection", hear);
  await expect(Rootfs.open(source, { cache, directory: tempFolder() })).rejects.toMatchObject({
    code: "LAYER_INVALID",
  });
  process.off("unhandledRejection", hear);
  expect(nobodys).toEqual([]);
});

test.for<{ name: string; write: (rootfs: Rootfs, folder: string, signal: AbortSignal) => Promise<unknown> }>([
  {
    name: "an archive",
    write: (rootfs, folder, signal) => rootfs.writeTar(join(folder, "tar"), { replace: true, signal }),
  },
  { name: "a directory", write: (rootfs, folder, signal) => rootfs.writeDirectory(join(folder, "empty"), { signal }) },
  {
    name: "a directory in place of another",
    write: (rootfs, folder, signal) => rootfs.writeDirectory(join(folder, "full"), { replace: true, signal }),
  },
])("$name that is aborted when all is written leaves everything as it was", async ({ write }) => {
  await using registry = await startTestRegistry();
  const folder = tempFolder();
  const stop = new AbortController();
  const reason = new Error("enough");
  const onEvent = ({ type, stage }: { type: string; stage?: string }) => {
    if (type === "stage.finished" && stage === "write") stop.abort(reason);
  };
  await using rootfs = await Rootfs.open(await seeded(registry), { onEvent });
  for (const name of ["empty", "full", "full/in"]) mkdirSync(join(folder, name), { mode: 0o750 });
  for (const name of ["tar", "full.metadata.json", "full/old"]) writeFileSync(join(folder, name), "before");
  const all = () =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .sort()
      .map((path) => [path, statSync(join(folder, path)).mode]);
  const before = all();
  await expect(write(rootfs, folder, stop.signal)).rejects.toBe(reason);
  expect(all()).toEqual(before);
  expect(readFileSync(join(folder, "tar"), "utf8")).toBe("before");
});

test("what a process left that was killed while it put a directory in place is put back, or goes", async () => {
  await using registry = await startTestRegistry();
  const folder = tempFolder();
  const left = [".tranship-rootfs-dead", ".tranship-rootfs-alive"].map((name) => join(folder, name));
  const pids = [spawnSync(process.execPath, ["-e", ""]).pid, process.pid];
  for (const [at, path] of left.entries()) {
    mkdirSync(join(path, "replaced"), { recursive: true });
    const owner = { ...(await ownerHere("x", Date.now())), pid: pids[at], replaces: at === 0 ? "out" : "other" };
    writeFileSync(join(path, "owner"), JSON.stringify(owner));
    writeFileSync(join(path, "replaced", "old"), "good");
  }
  const source = await seeded(registry, [{ ...base, ...(upper.diffId && { diffId: upper.diffId }) }]);
  await expect(streamRegistryToDir(source, join(folder, "out"))).rejects.toMatchObject({ code: "LAYER_MISMATCH" });
  expect(paths(folder)).toEqual([".tranship-rootfs-alive/owner", ".tranship-rootfs-alive/replaced/old", "out/old"]);
});

test("a file is not replaced by a directory", async () => {
  await using registry = await startTestRegistry();
  const folder = tempFolder();
  writeFileSync(join(folder, "out"), "precious");
  await expect(streamRegistryToDir(await seeded(registry), join(folder, "out"))).rejects.toMatchObject({
    code: "OUTPUT_EXISTS",
  });
  expect(readFileSync(join(folder, "out"), "utf8")).toBe("precious");
  expect(readdirSync(folder)).toEqual(["out"]);
});

test("layers whose unpacked bytes are not what the config says are refused", async () => {
  await using registry = await startTestRegistry();
  const source = await seeded(registry, [{ ...base, ...(upper.diffId && { diffId: upper.diffId }) }]);
  await expect(Rootfs.open(source)).rejects.toMatchObject({
    code: "LAYER_MISMATCH",
    details: { layer: 0, expected: upper.diffId, actual: base.diffId, isDiffId: true },
  });
});

test.for([
  { limit: "maxLayers", value: 1 },
  { limit: "maxEntries", value: 5 },
  { limit: "maxUnpackedBytes", value: 4096 },
  { limit: "maxFileBytes", value: 4 },
] as const)("an image that goes beyond $limit is refused, over all its layers", async ({ limit, value }) => {
  await using registry = await startTestRegistry();
  const folder = tempFolder();
  const source = await seeded(registry);
  const opening = Rootfs.open(source, { directory: folder, limits: { [limit]: value } });
  await expect(opening).rejects.toMatchObject({ code: "LIMIT_EXCEEDED", details: { limit, max: value } });
  expect(readdirSync(folder)).toEqual([]);
});

test("an abort while layers come rejects with its reason and leaves nothing", async () => {
  await using registry = await startTestRegistry();
  const folder = tempFolder();
  const large = aLayer({ size: 2_000_000 });
  const source = await seeded(registry, [base, large]);
  registry.failOnce(faults.slow({ bytesPerSecond: 100_000 }), new RegExp(large.digest));
  const abort = new AbortController();
  const opening = Rootfs.open(source, {
    directory: folder,
    signal: abort.signal,
    onEvent: (event) => {
      if (event.type === "stage.progress" && event.done > 0) abort.abort(new Error("enough"));
    },
  });
  await expect(opening).rejects.toThrow("enough");
  expect(readdirSync(folder)).toEqual([]);
});

test("with a cache a second run fetches nothing", async () => {
  await using registry = await startTestRegistry();
  const folder = tempFolder();
  const source = await seeded(registry);
  const run = async (name: string) => {
    await using cache = new LayerCache(join(folder, "cache"));
    return await exportTar(source, join(folder, name), { cache });
  };
  const first = await run("1.tar");
  const asked = blobsAsked(registry);
  expect(await run("2.tar")).toEqual(first);
  expect(blobsAsked(registry)).toBe(asked);
  const [one, two] = ["1.tar", "2.tar"].map((name) => readFileSync(join(folder, name)));
  expect(one?.equals(two ?? Buffer.alloc(0))).toBe(true);
});

test("a directory is replaced when all is there, with its sidecar", async () => {
  await using registry = await startTestRegistry();
  const folder = tempFolder();
  const target = join(folder, "rootfs");
  mkdirSync(target);
  writeFileSync(join(target, "stale"), "x");
  writeFileSync(`${target}.metadata.json`, "{}");
  const done = await streamRegistryToDir(await seeded(registry), target);
  expect(done).toMatchObject({ directory: target, exportMode: "native" });
  expect(paths(target)).toEqual(["etc/b", "etc/c", "var/new"]);
  expect(existsSync(`${target}.metadata.json`)).toBe((done.unapplied ?? 0) > 0);
  expect(readdirSync(folder).filter((name) => name.startsWith("."))).toEqual([]);
});

test("a directory that could not be made anew stays as it was", async () => {
  await using registry = await startTestRegistry();
  const folder = tempFolder();
  const target = join(folder, "rootfs");
  mkdirSync(target);
  writeFileSync(join(target, "stale"), "x");
  const source = await seeded(registry, [{ ...base, ...(upper.diffId && { diffId: upper.diffId }) }]);
  await expect(streamRegistryToDir(source, target)).rejects.toMatchObject({ code: "LAYER_MISMATCH" });
  expect(paths(target)).toEqual(["stale"]);
  expect(readdirSync(folder)).toEqual(["rootfs"]);
});
