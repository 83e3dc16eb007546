import { readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type DownloadList,
  downloadTotals,
  type Inventory,
  inventoryOf,
  joinInventories,
  lockFileName,
  type MirrorEvent,
  PackagesService,
  parseDownloadList,
  parseInventory,
  plan,
} from "@tranship/core";
import { createRegistry, isManifestMediaType } from "@tranship/registry";
import type { TestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { aSource, digests, pullInto, readPlan } from "../support/mirror.ts";
import { type ProductPackage, seedProduct, smallProduct } from "../support/product.ts";
import { runProgram } from "../support/run-program.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** Bytes of each layer: a package's versions share one and have one of their own. */
const layerBytes = 200_000;

const firstProduct: readonly ProductPackage[] = smallProduct.map((one) => ({ ...one, layerBytes }));

/** A new version of one of two packages, which one channel points at. */
const secondProduct: readonly ProductPackage[] = firstProduct.map((one) =>
  one.name === "console"
    ? { ...one, versions: [...one.versions, "v1.47.0"], channels: { ...one.channels, alpha: "v1.47.0" } }
    : one,
);

async function publish(registry: TestRegistry, product: readonly ProductPackage[]): Promise<void> {
  await using client = createRegistry(`${registry.host}/demo/fe`);
  await seedProduct(client, product);
  registry.reset();
}

async function planOf(host: string, base?: Inventory, onEvent?: (event: MirrorEvent) => void): Promise<DownloadList> {
  await using source = createRegistry(`${host}/demo/fe`);
  return await plan([new PackagesService({ source })], { base, onEvent });
}

/** What a plan wants stored, one line for each blob of each repository. */
function contentOf(list: DownloadList, part: "blobs" | "assumed"): string[] {
  const lines = list.archives.flatMap(({ sections }) =>
    sections.flatMap(({ repositories }) =>
      repositories.flatMap(({ path, [part]: blobs = [] }) =>
        blobs.map(({ digest, size }) => `${path} ${digest} ${size}`),
      ),
    ),
  );
  return [...new Set(lines)].sort();
}

function tarBytes(folder: string): number {
  const archives = readdirSync(folder).filter((name) => name.endsWith(".tar"));
  return archives.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}

describe("a pull over a base", () => {
  test("brings manifests and what is new, and no byte more", async () => {
    await using registry = await aSource(firstProduct);
    const [first, second, whole] = [tempFolder(), tempFolder(), tempFolder()];
    await pullInto(first, registry.host);
    await publish(registry, secondProduct);
    const base = inventoryOf(readPlan(first));
    const report = await pullInto(second, registry.host, [], { base });
    const asked = registry.requests().map(({ method, path }) => `${method} ${path}`);
    await pullInto(whole, registry.host);

    const full = readPlan(whole);
    const delta = readPlan(second);
    const held = new Set(base.repositories.flatMap(({ blobs }) => blobs.map(({ digest }) => digest)));
    const needed = new Map(
      full.archives
        .flatMap(({ sections }) => sections.flatMap(({ repositories }) => repositories.flatMap(({ blobs }) => blobs)))
        .map((blob) => [blob.digest, blob]),
    );
    const isNew = ({ digest, mediaType }: { digest: string; mediaType: string }) =>
      isManifestMediaType(mediaType) || !held.has(digest as never);
    const expected = [...needed.values()].filter(isNew);
    const sizeOf = (blobs: readonly { readonly size: number }[]) => blobs.reduce((sum, { size }) => sum + size, 0);
    expect(report.fetched).toEqual({ blobs: expected.length, bytes: sizeOf(expected) });
    const left = [...needed.values()].filter((blob) => !isNew(blob));
    expect(report.assumed).toEqual({ blobs: left.length, bytes: sizeOf(left) });
    expect(downloadTotals(delta).assumed).toEqual(report.assumed);
    expect([...contentOf(delta, "blobs"), ...contentOf(delta, "assumed")].sort()).toEqual(contentOf(full, "blobs"));
    // one new layer, a release image and manifests: in archives twice, for the release metadata is
    expect(tarBytes(second)).toBeLessThan(layerBytes + 100_000);
    expect(tarBytes(whole)).toBeGreaterThan(6 * layerBytes);
    expect(asked.filter((line, at) => asked.indexOf(line) !== at)).toEqual([]);
  });

  test("that is up to date brings manifests alone, in archives of a few kilobytes", async () => {
    await using registry = await aSource(firstProduct);
    const [first, second] = [tempFolder(), tempFolder()];
    await pullInto(first, registry.host);
    await pullInto(second, registry.host, [], { base: inventoryOf(readPlan(first)) });
    const brought = readPlan(second).archives.flatMap(({ sections }) =>
      sections.flatMap(({ repositories }) => repositories.flatMap(({ blobs }) => blobs)),
    );
    expect(brought.filter(({ mediaType }) => !isManifestMediaType(mediaType))).toEqual([]);
    expect(tarBytes(second)).toBeLessThan(60_000);
    expect(tarBytes(first)).toBeGreaterThan(1_500_000);
  });

  test("transfers what the plan over the same base says", async () => {
    await using registry = await aSource(firstProduct);
    const base = inventoryOf(await planOf(registry.host));
    await publish(registry, secondProduct);
    const list = await planOf(registry.host, base);
    const folder = tempFolder();
    await pullInto(folder, registry.host, [], { base });
    expect(readPlan(folder)).toEqual(list);
    expect(list).not.toEqual(await planOf(registry.host));
  });

  test("brings along what the base gives another size, and warns", async () => {
    await using registry = await aSource(firstProduct);
    const whole = await planOf(registry.host);
    const honest = inventoryOf(whole);
    const [repository] = honest.repositories;
    const [lied, ...others] = repository?.blobs ?? [];
    if (!repository || !lied) throw new Error("there is nothing to lie about");
    const blobs = [{ ...lied, size: lied.size + 1 }, ...others];
    const base = { ...honest, repositories: [{ ...repository, blobs }, ...honest.repositories.slice(1)] };
    const events: MirrorEvent[] = [];
    const list = await planOf(registry.host, base, (event) => events.push(event));
    expect(contentOf(list, "blobs").filter((line) => line.includes(lied.digest))).not.toEqual([]);
    expect(events).toContainEqual(
      expect.objectContaining({ type: "warning.raised", code: "BASE_CONTRADICTED", reference: lied.digest }),
    );
  });

  test("is refused when the base is none", async () => {
    await using registry = await aSource(firstProduct);
    const base = { ...inventoryOf({ version: 1, archives: [], missing: [] }), version: 2 } as unknown as Inventory;
    await expect(pullInto(tempFolder(), registry.host, [], { base })).rejects.toMatchObject({
      code: "INVENTORY_INVALID",
    });
  });
});

describe("an interrupted pull over a base", () => {
  /** Ends a pull at the second blob it has finished. */
  async function interrupt(folder: string, host: string, base: Inventory): Promise<void> {
    const stop = new AbortController();
    let finished = 0;
    const onEvent = (event: MirrorEvent) => {
      if (event.type === "blob.finished" && ++finished === 2) stop.abort(new Error("enough"));
    };
    await expect(pullInto(folder, host, [], { base, onEvent, signal: stop.signal })).rejects.toThrow("enough");
  }

  test("is finished to the same bytes by one over the same base, whatever its place is called", async () => {
    await using registry = await aSource(firstProduct);
    const [whole, folder] = [tempFolder(), tempFolder()];
    const base = inventoryOf(await planOf(registry.host));
    await publish(registry, secondProduct);
    await pullInto(whole, registry.host, [], { base });
    await interrupt(folder, registry.host, base);
    const report = await pullInto(folder, registry.host, [], { base: { ...base, place: "the same" } });
    expect(digests(folder)).toEqual(digests(whole));
    expect(report.kept.blobs).toBeGreaterThan(0);
  });

  test("is begun anew by one over another base, from the bytes that are here", async () => {
    await using registry = await aSource(firstProduct);
    const [whole, folder] = [tempFolder(), tempFolder()];
    const firstList = await planOf(registry.host);
    const base = inventoryOf(firstList);
    const other = inventoryOf({ ...firstList, archives: firstList.archives.slice(0, 1) });
    await publish(registry, secondProduct);
    const { fetched } = await pullInto(whole, registry.host, [], { base: other });
    await interrupt(folder, registry.host, base);
    const report = await pullInto(folder, registry.host, [], { base: other });
    expect(digests(folder)).toEqual(digests(whole));
    expect(report.copied.blobs).toBeGreaterThan(0);
    expect(report.fetched.bytes).toBeLessThan(fetched.bytes);
  });
});

describe("a pull over a finished bundle", () => {
  test("with a base drops what the base has, from the bytes that are here alone", async () => {
    await using registry = await aSource(firstProduct);
    const [folder, fresh] = [tempFolder(), tempFolder()];
    await pullInto(folder, registry.host);
    const list = readPlan(folder);
    const base = inventoryOf({ ...list, archives: list.archives.slice(0, 1) });
    await pullInto(fresh, registry.host, [], { base });
    registry.reset();
    const report = await pullInto(folder, registry.host, [], { base });
    expect(report.fetched).toEqual({ blobs: 0, bytes: 0 });
    expect(registry.requests().filter(({ path }) => path.includes("/blobs/"))).toEqual([]);
    expect(digests(folder)).toEqual(digests(fresh));
    expect(report.archives.map(({ outcome }) => outcome)).toContain("written");
  });

  test("with a base that has more fetches nothing, and without one what it had left out alone", async () => {
    await using registry = await aSource(firstProduct);
    const [folder, fresh] = [tempFolder(), tempFolder()];
    await pullInto(fresh, registry.host);
    const list = readPlan(fresh);
    const some = inventoryOf({ ...list, archives: list.archives.slice(0, 1) });
    await pullInto(folder, registry.host, [], { base: some });
    registry.reset();
    const more = await pullInto(folder, registry.host, [], { base: joinInventories([some, inventoryOf(list)]) });
    expect(more.fetched).toEqual({ blobs: 0, bytes: 0 });
    const none = await pullInto(folder, registry.host);
    expect(none.fetched).toEqual(more.assumed);
    expect(digests(folder)).toEqual(digests(fresh));
  });
});

describe("on the command line", () => {
  test("an inventory of a registry and the lock file of what filled it leave out the same", async () => {
    await using registry = await aSource(firstProduct);
    const [first, work] = [tempFolder(), tempFolder()];
    const [have, from] = [join(work, "have.json"), `${registry.host}/demo/fe`];
    await pullInto(first, registry.host);
    const taken = await runProgram("inventory", `registry:${from}`, "--plan", join(first, lockFileName), "-o", have);
    expect(taken).toMatchObject({ code: 0, stderr: "" });
    expect(taken.stdout).toContain(`4 repositories; written to ${have}`);
    await publish(registry, secondProduct);
    const [byInventory, byLock] = await Promise.all([
      runProgram("plan", "--source", from, "--base", have, "-o", "-"),
      runProgram("pull", join(work, "bundle"), "--source", from, "--base", join(first, lockFileName)),
    ]);
    expect(byInventory.code).toBe(0);
    expect(parseDownloadList(byInventory.stdout, "plan")).toEqual(readPlan(join(work, "bundle")));
    expect(byLock.stdout).toMatch(/left out +\d+ blobs.* MiB/);
  });

  test("inventories of several places and plans are one, on standard output", async () => {
    await using registry = await aSource(firstProduct);
    const folder = tempFolder();
    await pullInto(folder, registry.host, ["alb"]);
    const alone = await runProgram("inventory", "--plan", join(folder, lockFileName));
    const [asJson, ofBundle, ofBoth] = await Promise.all([
      runProgram("inventory", "--plan", join(folder, lockFileName), "--json"),
      runProgram("inventory", `bundle:${folder}`),
      runProgram("inventory", folder, `registry:${registry.host}/demo/fe`),
    ]);
    const repositoriesOf = (text: string) => parseInventory(text, "stdout").repositories;
    expect(JSON.parse(asJson.stdout)).toEqual({
      type: "report",
      command: "inventory",
      ...parseInventory(alone.stdout, "stdout"),
    });
    expect(repositoriesOf(ofBundle.stdout)).toEqual(repositoriesOf(alone.stdout));
    expect(repositoriesOf(ofBoth.stdout).map(({ path }) => path)).toEqual([
      "packages",
      "packages/alb",
      "packages/alb/version",
      "packages/console",
      "packages/console/version",
    ]);
  });

  test("a file that is no base, and one that is not there, are named", async () => {
    const work = tempFolder();
    const file = join(work, "notes.json");
    writeFileSync(file, '{"kind":"inventory","version":9}');
    const plan = (base: string) => runProgram("plan", "--source", "127.0.0.1:1/x", "--base", base);
    const [unknown, absent, nothing] = await Promise.all([
      plan(file),
      plan(join(work, "absent.json")),
      runProgram("inventory"),
    ]);
    expect(unknown).toMatchObject({ code: 1, stdout: "" });
    expect(unknown.stderr).toContain(`cannot use ${file} as a base: its version is 9, this program knows 1`);
    expect(absent.code).toBe(2);
    expect(absent.stderr).toContain(
      `--base: cannot read ${join(work, "absent.json")}: there is no such file or folder (ENOENT)`,
    );
    expect(nothing).toMatchObject({ code: 2, stdout: "" });
  });
});
