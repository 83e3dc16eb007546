import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import {
  Bundle,
  BundleDirectory,
  type BundleDirectoryOptions,
  cleanBundle,
  ImagesService,
  isMirrorError,
  LayoutRegistry,
  lockFileName,
  type MirrorEvent,
  pull,
  pushBundle,
  type RepairReport,
  repairBundle,
  type TarEntry,
  verifyBundle,
} from "@tranship/core";
import { createRegistry } from "@tranship/registry";
import { aBlob, anImage, faults, type TestRegistry } from "@tranship/registry/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { fileDigests } from "../support/bundle-files.ts";
import { aSource, pullInto } from "../support/mirror.ts";
import { runProgram } from "../support/run-program.ts";
import { tempFolder } from "../support/temp-folder.ts";

const archive = "package-console.tar";

let registry: TestRegistry;
beforeAll(async () => {
  registry = await aSource();
});
afterAll(async () => {
  await registry[Symbol.asyncDispose]();
});

/** A bundle of everything, and what its files hash to. */
async function aBundle(
  options?: BundleDirectoryOptions,
): Promise<{ readonly folder: string; readonly right: Readonly<Record<string, string>> }> {
  const folder = tempFolder();
  await pullInto(folder, registry.host, [], options);
  registry.reset();
  return { folder, right: await fileDigests(folder) };
}

/** The blobs that one archive holds; the layers of versions are the large ones. */
async function entriesOf(folder: string, name = archive): Promise<readonly TarEntry[]> {
  await using bundle = await Bundle.open(folder);
  return bundle.archives.find((one) => one.name === name)?.entries ?? [];
}

/** A layer that no other archive has. */
async function aLargeLayer(folder: string): Promise<TarEntry> {
  const layer = (await entriesOf(folder)).find(
    ({ name, size }) => /^packages\/console\/blobs/.test(name) && size > 10_000,
  );
  if (!layer) throw new Error("there is no large layer");
  return layer;
}

function flip(path: string, at: number): void {
  const bytes = readFileSync(path);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

async function repair(folder: string): Promise<RepairReport> {
  await using source = createRegistry(`${registry.host}/demo/fe`, { retryDelayMs: 1 });
  return await repairBundle(folder, { source, retryDelayMs: 1 });
}

/** The digests the source was asked for, each once; it was asked for nothing else. */
function asked(): readonly string[] {
  const digests = registry.requests().flatMap(({ path }) => /sha256:[0-9a-f]{64}/.exec(path)?.[0] ?? []);
  expect(registry.requests()).toHaveLength(digests.length);
  return [...new Set(digests)];
}

/** A gzip file may end in zeros, which look as if they had not been written: those few are asked for first. */
function isFetchedOnce({ fetched }: RepairReport, { size }: TarEntry): void {
  expect(fetched.blobs).toBe(1);
  expect(fetched.bytes - size).toBeGreaterThanOrEqual(0);
  expect(fetched.bytes - size).toBeLessThan(8);
}

function digestIn({ name }: TarEntry): string {
  return name.replace(/^.*blobs\/sha256\//, "sha256:");
}

async function isWhole(folder: string): Promise<void> {
  await using bundle = await Bundle.open(folder);
  expect((await verifyBundle(bundle)).findings).toEqual([]);
}

/** The names of the archives a repair wrote. */
function repaired({ archives }: RepairReport): readonly string[] {
  return archives.filter(({ outcome }) => outcome === "repaired").map((one) => one.archive);
}

describe("a repair", () => {
  test("fetches the one blob whose bytes changed, and nothing else", async () => {
    const { folder, right } = await aBundle();
    const layer = await aLargeLayer(folder);
    flip(join(folder, archive), layer.offset + 100);
    const others = statSync(join(folder, "package-alb.tar")).mtimeMs;
    const report = await repair(folder);
    expect(repaired(report)).toEqual([archive]);
    isFetchedOnce(report, layer);
    expect(asked()).toEqual([digestIn(layer)]);
    expect(await fileDigests(folder)).toEqual(right);
    expect(statSync(join(folder, "package-alb.tar")).mtimeMs).toBe(others);
    expect(readdirSync(join(folder, ".tranship"))).toEqual(["lock"]);
    await isWhole(folder);
  });

  test.for([
    { name: "a torn header", damage: (path: string, layer: TarEntry) => flip(path, layer.offset - 500) },
    { name: "junk between two blobs", damage: (path: string, { offset, size }: TarEntry) => flip(path, offset + size) },
    { name: "junk behind the end", damage: (path: string) => appendFileSync(path, "junk") },
    { name: "a torn trailer", damage: (path: string) => flip(path, statSync(path).size - 1) },
  ])("mends $name without asking the source for anything", async ({ damage }) => {
    const { folder, right } = await aBundle();
    const layer = await aLargeLayer(folder);
    if ((layer.size & 511) === 0) throw new Error("the layer has no padding to damage");
    damage(join(folder, archive), layer);
    const report = await repair(folder);
    expect(repaired(report)).toEqual([archive]);
    expect(registry.requests()).toEqual([]);
    expect(await fileDigests(folder)).toEqual(right);
  });

  test("writes a damaged index.json anew from the lock file", async () => {
    const { folder, right } = await aBundle();
    const index = (await entriesOf(folder)).find(({ name }) => name.endsWith("/index.json"));
    flip(join(folder, archive), (index?.offset ?? 0) + 3);
    expect((await repair(folder)).fetched.bytes).toBe(0);
    expect(registry.requests()).toEqual([]);
    expect(await fileDigests(folder)).toEqual(right);
  });

  test("goes on inside the blob at which an archive was cut off", async () => {
    const { folder, right } = await aBundle();
    const entries = await entriesOf(folder);
    const layer = await aLargeLayer(folder);
    truncateSync(join(folder, archive), layer.offset + 5_000);
    const behind = entries.filter(({ name, offset }) => /\/blobs\//.test(name) && offset > layer.offset);
    const report = await repair(folder);
    expect(asked()).toContain(digestIn(layer));
    expect(registry.requests().find(({ path }) => path.includes(digestIn(layer)))?.status).toBe(206);
    expect(report.fetched.bytes).toBeLessThanOrEqual(
      layer.size - 5_000 + behind.reduce((sum, { size }) => sum + size, 0),
    );
    expect(await fileDigests(folder)).toEqual(right);
  });

  test("brings a missing archive back, copying what another one holds", async () => {
    const { folder, right } = await aBundle();
    const here = new Set((await entriesOf(folder, "package-versions.tar")).map(digestIn));
    const lacking = (await entriesOf(folder)).filter((one) => /\/blobs\//.test(one.name) && !here.has(digestIn(one)));
    rmSync(join(folder, archive));
    const report = await repair(folder);
    expect(report.copied.blobs).toBeGreaterThan(0);
    expect([...asked()].sort()).toEqual([...new Set(lacking.map(digestIn))].sort());
    expect(await fileDigests(folder)).toEqual(right);
  });

  test("takes a blob that ends in zeros for what it is, and does not ask for them", async () => {
    await using registry = await aSource();
    const layer = aBlob({ content: new Uint8Array(200_000).fill(1, 0, 100) });
    registry.seed("demo/fe/packages/alb", anImage({ tag: "v9.0.0", layers: [layer] }));
    const folder = tempFolder();
    await pullInto(folder, registry.host, ["alb@=v9.0.0"]);
    const right = await fileDigests(folder);
    appendFileSync(join(folder, "package-alb.tar"), "junk");
    registry.reset();
    await using source = createRegistry(`${registry.host}/demo/fe`);
    await repairBundle(folder, { source });
    expect(registry.requests()).toEqual([]);
    expect(await fileDigests(folder)).toEqual(right);
  });

  test("leaves a whole bundle alone, and asks the source for nothing", async () => {
    const { folder, right } = await aBundle();
    const report = await repair(folder);
    expect(repaired(report)).toEqual([]);
    expect(report.fetched).toEqual({ blobs: 0, bytes: 0 });
    expect(registry.requests()).toEqual([]);
    expect(await fileDigests(folder)).toEqual(right);
  });

  test("takes a mirror under another name, or a folder of layouts, for the source", async () => {
    const { folder, right } = await aBundle();
    const copy = tempFolder();
    const layouts = await LayoutRegistry.open(copy, { create: true });
    {
      await using bundle = await Bundle.open(folder);
      await pushBundle(bundle, layouts);
    }
    flip(join(folder, archive), (await aLargeLayer(folder)).offset);
    expect(repaired(await repairBundle(folder, { source: layouts }))).toEqual([archive]);
    expect(await fileDigests(folder)).toEqual(right);
  });

  test("that the source ends names the blob and leaves what a second one finishes", async () => {
    const { folder, right } = await aBundle();
    const layer = await aLargeLayer(folder);
    flip(join(folder, archive), layer.offset + 9);
    registry.fail(faults.status(404), { match: ({ path }) => path.includes(digestIn(layer)), times: 99 });
    await expect(repair(folder)).rejects.toSatisfy(
      (error) => isMirrorError(error, "TRANSFER_FAILED") && error.message.includes(digestIn(layer)),
    );
    await expect(Bundle.open(folder)).rejects.toSatisfy((error) => isMirrorError(error, "BUNDLE_UNFINISHED"));
    expect(existsSync(join(folder, `${archive}.partial`))).toBe(true);
    registry.reset();
    isFetchedOnce(await repair(folder), layer);
    expect(await fileDigests(folder)).toEqual(right);
  });

  test("that is given up leaves a bundle of the archives that were right", async () => {
    const { folder, right } = await aBundle();
    flip(join(folder, archive), (await aLargeLayer(folder)).offset);
    registry.fail(faults.status(404), { match: ({ path }) => path.includes("/blobs/"), times: 99 });
    await expect(repair(folder)).rejects.toSatisfy((error) => isMirrorError(error, "TRANSFER_FAILED"));
    registry.reset();
    const report = await cleanBundle(folder);
    expect(report).toMatchObject({ lock: "written", archives: ["package-alb.tar", "package-versions.tar"] });
    expect(report.removed.map(({ name }) => name)).toContain(`${archive}.partial`);
    await isWhole(folder);
    const left = await fileDigests(folder);
    for (const name of report.archives) expect(left[name]).toBe(right[name]);
    await pullInto(folder, registry.host);
    expect(await fileDigests(folder)).toEqual(right);
  });

  test.for([20_000, 5_000])(
    "heals chunks of %i bytes in their form: missing, cut, changed and one too many",
    async (chunkBytes) => {
      const { folder, right } = await aBundle({ chunkBytes });
      const chunk = (index: number) => join(folder, `${archive}.${String(index).padStart(4, "0")}.chunk`);
      rmSync(chunk(1));
      truncateSync(chunk(2), 100);
      flip(chunk(0), chunkBytes - 1);
      const count = Object.keys(right).filter((name) => name.startsWith(archive)).length;
      writeFileSync(chunk(count), "junk");
      writeFileSync(join(folder, "package-alb.tar"), "the other form");
      const report = await repair(folder);
      expect(repaired(report)).toEqual(["package-alb.tar", archive]);
      expect(await fileDigests(folder)).toEqual(right);
      await isWhole(folder);
    },
  );

  test("writes the checksums of what it repaired again, interrupted or not", async () => {
    const { folder, right } = await aBundle({ checksums: ["sha256", "gost"] });
    const isSum = (name: string) => /\.(sha256|gostsum)$/.test(name);
    expect(Object.keys(right).filter(isSum)).toHaveLength(6);
    for (const name of Object.keys(right).filter((one) => one.endsWith(".tar")))
      appendFileSync(join(folder, name), "x");
    const stop = new AbortController();
    const onEvent = ({ type }: MirrorEvent) => {
      if (type === "archive.finished") stop.abort(new Error("interrupted"));
    };
    await using source = createRegistry(`${registry.host}/demo/fe`);
    await expect(repairBundle(folder, { source, onEvent, signal: stop.signal })).rejects.toThrow("interrupted");
    for (const name of readdirSync(folder).filter(isSum)) rmSync(join(folder, name)); // as when all had been finished
    await repair(folder);
    expect(await fileDigests(folder)).toEqual(right);
  });

  test.for([
    { name: "one archive is damaged, too", isDamaged: true },
    { name: "every archive is right", isDamaged: false },
  ])("writes checksums anew that are wrong, where $name", async ({ isDamaged }) => {
    const { folder, right } = await aBundle({ checksums: ["sha256", "gost"] });
    const wrong = ["package-alb.tar.gostsum", "package-versions.tar.sha256"] as const;
    flip(join(folder, wrong[0]), 3);
    writeFileSync(join(folder, wrong[1]), "");
    if (isDamaged) appendFileSync(join(folder, archive), "junk");
    const { checksums } = await repair(folder);
    expect(checksums).toEqual(wrong);
    expect(await fileDigests(folder)).toEqual(right);
    await isWhole(folder);
  });

  test("is refused without a lock file, over an unfinished pull, and where there is nothing", async () => {
    const { folder } = await aBundle();
    const failsWith = (code: "BUNDLE_NOT_FOUND" | "BUNDLE_UNFINISHED" | "BUNDLE_UNLOCKED" | "PLAN_INVALID") => {
      return (error: unknown) => isMirrorError(error, code);
    };
    const gone = join(folder, "gone");
    await expect(repair(gone)).rejects.toSatisfy(failsWith("BUNDLE_NOT_FOUND"));
    expect(existsSync(gone)).toBe(false);
    const unlocked = tempFolder();
    cpSync(join(folder, archive), join(unlocked, archive));
    await expect(repair(unlocked)).rejects.toSatisfy(failsWith("BUNDLE_UNLOCKED"));
    expect(readdirSync(unlocked)).toEqual([archive]);
    registry.fail(faults.status(403), { match: ({ path }) => path.includes("/manifests/v1.44.0"), times: 99 });
    await expect(pullInto(folder, registry.host, ["alb", "console@=v1.44.0"])).rejects.toThrow("403");
    registry.reset();
    await expect(repair(folder)).rejects.toSatisfy(failsWith("BUNDLE_UNFINISHED"));
    writeFileSync(join(folder, lockFileName), "torn");
    await expect(repair(folder)).rejects.toSatisfy(failsWith("PLAN_INVALID"));
  });
});

describe("tranship repair", () => {
  test("says which archives it repaired and what that took", async () => {
    const { folder, right } = await aBundle();
    flip(join(folder, archive), (await aLargeLayer(folder)).offset);
    renameSync(join(folder, "package-alb.tar"), join(folder, "package-alb.bak"));
    const run = await runProgram("repair", folder, "--source", `${registry.host}/demo/fe`);
    expect(run.code).toBe(0);
    expect(run.stdout).toMatch(/package-console\.tar .* repaired/);
    expect(run.stdout).toMatch(/package-versions\.tar .* whole/);
    expect(run.stdout).toContain("repaired 2 of 3 archives");
    rmSync(join(folder, "package-alb.bak"));
    expect(await fileDigests(folder)).toEqual(right);
  });
});

test("what is stored at another path than at its source is fetched where it was", async () => {
  const folder = tempFolder();
  await using from = createRegistry(registry.host);
  const images = [`${registry.host}/demo/fe/packages/console@*`];
  {
    await using to = await BundleDirectory.open(folder);
    await pull([new ImagesService({ images, from: () => from, paths: { prefix: "third", host: "strip" } })], { to });
  }
  const right = await fileDigests(folder);
  for (const name of readdirSync(folder)) if (name.endsWith(".tar")) truncateSync(join(folder, name), 2000);
  expect((await repair(folder)).archives).toMatchObject([{ outcome: "repaired" }]);
  expect(await fileDigests(folder)).toEqual(right);
});
