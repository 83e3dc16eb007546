import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type DownloadList, lockFileName, parseDownloadList, type ShardShare } from "@tranship/core";
import { createRegistry, digestOf, type Registry } from "@tranship/registry";
import { anImage, type TestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { contentOf } from "../property/repository-content.ts";
import { fileDigests } from "../support/bundle-files.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { aSource, readPlan } from "../support/mirror.ts";
import { type ProductPackage, seedProduct } from "../support/product.ts";
import { runProgram } from "../support/run-program.ts";
import { runTranship, type TranshipRun } from "../support/run-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** Packages of very different sizes, one of them larger than all others together. */
const product: readonly ProductPackage[] = [1, 2, 3, 4, 5].map((at) => ({
  name: `p${at}`,
  versions: ["v1.0.0", "v1.1.0"],
  channels: { alpha: "v1.1.0", stable: "v1.0.0" },
  layerBytes: at === 4 ? 200_000 : 10_000 * at,
}));

type Run = (...args: readonly string[]) => Promise<TranshipRun>;

/** Runs it once for each shard, all at once; each has to succeed. */
async function inShards(
  run: Run,
  count: number,
  args: (index: number) => readonly string[],
): Promise<readonly string[]> {
  const runs = Array.from({ length: count }, async (_, at) => {
    const { code, stdout, stderr } = await run(...args(at + 1), "--shard", `${at + 1}/${count}`, "--json");
    expect({ code, stderr: code === 0 ? "" : `${stderr}${stdout}` }).toEqual({ code: 0, stderr: "" });
    return stdout;
  });
  return await Promise.all(runs);
}

async function done(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProgram(...args);
  expect({ code, stderr: code === 0 ? "" : `${stderr}${stdout}` }).toEqual({ code: 0, stderr: "" });
  return stdout;
}

/** What the last line of `--json` reports. */
function report<Report = { readonly shard: ShardShare; readonly plan?: string }>(stdout: string): Report {
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as Report;
}

interface Planned {
  readonly folder: string;
  readonly from: readonly string[];
  readonly plan: string;
  readonly list: DownloadList;
  /** What a pull of all of it made. */
  readonly whole: string;
}

async function planned(source: TestRegistry): Promise<Planned> {
  const folder = tempFolder();
  const [plan, whole] = [join(folder, "plan.json"), join(folder, "whole")];
  const from = ["--source", `${source.host}/demo/fe`, "--no-modules"];
  await done("plan", ...from, "-o", plan);
  await done("pull", whole, "--source", `${source.host}/demo/fe`, "--plan", plan);
  return { folder, from, plan, list: parseDownloadList(readFileSync(plan, "utf8"), plan), whole };
}

const source = ({ from }: Planned) => from.slice(0, 2);

/** Copies the files of folders into one, but for their lock files. */
function copiedTogether(folders: readonly string[], to: string): string {
  for (const folder of folders)
    cpSync(folder, to, {
      recursive: true,
      filter: (path) => !path.endsWith(lockFileName) && !path.endsWith(".tranship"),
    });
  return to;
}

async function withoutLock(folder: string): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries(Object.entries(await fileDigests(folder)).filter(([name]) => name !== lockFileName));
}

/** Every tag, manifest and blob of these repositories, by path. */
async function contentsOf(registry: Registry, list: DownloadList) {
  const paths = list.archives.flatMap(({ sections }) =>
    sections.flatMap(({ repositories }) => repositories.map(({ path }) => path)),
  );
  const all = [...new Set(["packages", ...paths])].sort();
  return Object.fromEntries(
    await Promise.all(all.map(async (path) => [path, await contentOf(registry.repository(path))])),
  );
}

test("processes that share a plan bring what one brings, byte for byte, and push what one pushes, all at once", {
  timeout: 60_000,
}, async () => {
  await using registry = await aSource(product);
  const given = await planned(registry);
  const { folder, plan, whole, list } = given;
  const parts = [1, 2, 3].map((index) => join(folder, `part-${index}`));
  const pulled = await inShards(runTranship, 3, (index) => [
    "pull",
    parts[index - 1] ?? "",
    ...source(given),
    "--plan",
    plan,
    "--frozen",
  ]);
  const shards = pulled.map((stdout) => report(stdout));
  expect(shards.map(({ shard }) => shard.index)).toEqual([1, 2, 3]);
  const digest = digestOf(readFileSync(plan));
  expect(shards.map((one) => one.plan)).toEqual([digest, digest, digest]);
  expect(shards.map(({ shard }) => shard.items).reduce((sum, items) => sum + items, 0)).toBe(list.archives.length);
  const bytes = shards.map(({ shard }) => shard.bytes ?? 0);
  expect(Math.max(...bytes)).toBeLessThan(0.75 * bytes.reduce((sum, one) => sum + one, 0)); // the largest package alone
  expect(await withoutLock(copiedTogether(parts, join(folder, "copied")))).toEqual(await withoutLock(whole));
  const joined = join(folder, "joined");
  expect(await done("join", ...parts, joined, "--plan", plan)).toContain(`joined 3 bundles to ${joined}: 6 archives`);
  expect(await fileDigests(joined)).toEqual(await fileDigests(whole));
  expect(await done("verify", ...parts, "--plan", plan)).toContain(" is whole: ");

  await using target = await startDockerRegistry();
  const places = { at: `${target.host}/at/once`, alone: `${target.host}/one/alone` };
  await inShards(runTranship, 3, () => ["push", ...parts, places.at]);
  await done("push", whole, places.alone);
  await using atOnce = createRegistry(places.at);
  await using alone = createRegistry(places.alone);
  const contents = await contentsOf(atOnce, list);
  expect(contents).toEqual(await contentsOf(alone, list));
  expect(Object.keys(contents.packages?.tags ?? {})).toEqual(product.map(({ name }) => name));
  expect(await done("verify", `registry:${places.at}`, "--plan", plan)).toContain(" is whole: ");
  const checks = await inShards(runProgram, 3, () => ["verify", `registry:${places.at}`, "--plan", plan]);
  expect(checks.map((stdout) => report<{ ok: boolean; shard: unknown }>(stdout))).toMatchObject(
    [1, 2, 3].map((index) => ({ ok: true, shard: { index, count: 3 } })),
  );
});

describe("shards of a plan", () => {
  test("may be brought into one folder, one after another: at the end it is the bundle of the whole, lock file and all", async () => {
    await using registry = await aSource(product);
    const given = await planned(registry);
    const folder = join(given.folder, "in turn");
    for (const index of [2, 3, 1]) {
      await done("pull", folder, ...source(given), "--plan", given.plan, "--shard", `${index}/3`);
      await done("verify", folder);
    }
    expect(await fileDigests(folder)).toEqual(await fileDigests(given.whole));
    expect(await done("pull", folder, ...source(given), "--plan", given.plan, "--shard", "2/3")).toContain(
      "nothing has changed",
    );
    expect(await fileDigests(folder)).toEqual(await fileDigests(given.whole));
  });

  test("replace and remove what the plan says otherwise, whichever shard it falls to", async () => {
    await using registry = await aSource(product);
    const given = await planned(registry);
    const folder = join(given.folder, "part");
    await done("pull", folder, ...source(given), "--plan", given.plan);
    await using client = createRegistry(`${registry.host}/demo/fe`);
    await seedProduct(client, [
      { ...(product[1] as ProductPackage), versions: ["v1.2.0"], channels: { alpha: "v1.2.0", stable: "v1.2.0" } },
    ]);
    const plan = join(given.folder, "next.json");
    await done("plan", ...given.from, "--exclude-package", "p1", "-o", plan);
    const list = parseDownloadList(readFileSync(plan, "utf8"), plan);
    const before = new Map(given.list.archives.map((one) => [one.archive, JSON.stringify(one)]));
    const same = list.archives
      .filter((one) => before.get(one.archive) === JSON.stringify(one))
      .map((one) => one.archive);
    expect(same.length).toBeLessThan(list.archives.length);
    const { shard, archives } = report<{ shard: ShardShare; archives: readonly { archive: string }[] }>(
      await done("pull", folder, ...source(given), "--plan", plan, "--shard", "1/9", "--json"),
    );
    expect(shard.items).toBe(1);
    const expected = [...new Set([...same, ...archives.map(({ archive }) => archive)])].sort();
    expect(readPlan(folder).archives.map(({ archive }) => archive)).toEqual(expected);
    expect(existsSync(join(folder, "package-p1.tar"))).toBe(false); // of an older plan
    expect(await done("verify", folder)).toContain(" is whole: ");
  });

  test("of which there are more than archives, are done when nothing falls to them, and are taken by what comes after", async () => {
    await using registry = await aSource(product.slice(0, 2));
    const given = await planned(registry);
    const parts = [1, 2, 3, 4].map((index) => join(given.folder, `part-${index}`));
    for (const [at, part] of parts.entries()) {
      const said = await done("pull", part, ...source(given), "--plan", given.plan, "--shard", `${at + 1}/4`);
      expect(said).toContain(`shard ${at + 1}/4: ${at < 3 ? 1 : 0} of 3 archives`);
      expect(said).toContain(`plan ${digestOf(readFileSync(given.plan))}`);
      expect(said.includes("nothing falls to this shard")).toBe(at === 3);
    }
    const empty = parts[3] ?? "";
    expect(await done("verify", empty)).toContain("is whole: 0 images");
    expect(await done("verify", empty, "--plan", given.plan, "--shard", "4/4")).toContain("is whole: 0 images");
    expect(await done("push", empty, `${registry.host}/nothing`)).toContain("there was nothing to bring");
    expect(await done("push", ...parts, `${registry.host}/all`)).toContain("discovery tags  2 written");
    await done("verify", `registry:${registry.host}/all`, "--plan", given.plan);
  });

  test("that are not all there are found out by the plan", async () => {
    await using registry = await aSource(product.slice(0, 3));
    const given = await planned(registry);
    const part = join(given.folder, "part");
    await done("pull", part, ...source(given), "--plan", given.plan, "--shard", "1/2");
    await done("verify", part, "--plan", given.plan, "--shard", "1/2");
    expect(await runProgram("verify", part, "--plan", given.plan)).toMatchObject({ code: 3 });
    expect(await runProgram("verify", part, "--plan", given.plan, "--shard", "2/2")).toMatchObject({ code: 3 });
  });

  test("tell of what is missing and failed once, and with what they are", async () => {
    await using registry = await aSource(product);
    const { folder, plan, list, from } = await planned(registry);
    const lost = (name: string) => ({
      component: "packages",
      reference: `${registry.host}/demo/fe/packages/${name}:v9`,
      why: "channel",
      archive: `package-${name}.tar`,
    });
    const failed = [
      {
        component: "packages",
        item: "p8",
        archive: "package-p8.tar",
        code: "TRANSFER_FAILED",
        message: "it was denied",
      },
    ];
    writeFileSync(plan, JSON.stringify({ ...list, missing: [lost("p2"), lost("p9")], failed }));
    const told = { missing: [] as unknown[], failed: [] as unknown[] };
    for (const index of [1, 2, 3]) {
      const { stdout } = await runProgram(
        ...["pull", join(folder, "turns"), ...from.slice(0, 2), "--plan", plan, "--shard", `${index}/3`, "--json"],
      );
      const one = report<{ readonly missing: readonly unknown[]; readonly failed: readonly unknown[] }>(stdout);
      told.missing.push(...one.missing);
      told.failed.push(...one.failed);
    }
    expect(told.missing).toHaveLength(2);
    expect(told.failed).toEqual(failed);
    expect(readPlan(join(folder, "turns"))).toMatchObject({ missing: [lost("p2"), lost("p9")], failed });
    await runProgram("pull", join(folder, "once"), ...from.slice(0, 2), "--plan", plan);
    expect(await fileDigests(join(folder, "turns"))).toEqual(await fileDigests(join(folder, "once")));
  });
});

describe("shards without a plan", () => {
  test("together are the whole, and each name stays in its shard when the catalog grows", async () => {
    await using registry = await aSource(product);
    const given = await planned(registry);
    const parts = [1, 2, 3].map((index) => join(given.folder, `part-${index}`));
    const pullAll = () => inShards(runProgram, 3, (index) => ["pull", parts[index - 1] ?? "", ...given.from]);
    const shards = (await pullAll()).map((stdout) => report(stdout).shard);
    expect(shards.map(({ items }) => items).reduce((sum, items) => sum + items, 0)).toBe(6);
    expect(shards.map(({ all }) => all)).toEqual([{ items: 6 }, { items: 6 }, { items: 6 }]);
    expect(await withoutLock(copiedTogether(parts, join(given.folder, "joined")))).toEqual(
      await withoutLock(given.whole),
    );

    const archivesOf = () => parts.map((part) => readPlan(part).archives.map(({ archive }) => archive));
    const before = archivesOf();
    await using client = createRegistry(`${registry.host}/demo/fe`);
    await seedProduct(client, [{ ...(product[0] as ProductPackage), name: "p0" }]);
    await pullAll();
    const after = archivesOf();
    expect(after.flat().sort()).toEqual(["package-p0.tar", ...before.flat()].sort());
    for (const [at, archives] of before.entries()) expect(after[at]).toEqual(expect.arrayContaining([...archives]));
  });

  test("leave what is another shard's, and remove what was their own", async () => {
    await using registry = await aSource(product);
    const given = await planned(registry);
    const folder = join(given.folder, "in turn");
    for (const index of [1, 2, 3]) await done("pull", folder, ...given.from, "--shard", `${index}/3`);
    expect(await fileDigests(folder)).toEqual(await fileDigests(given.whole));
    const kept = [];
    for (const index of [1, 2, 3]) {
      await done("pull", folder, ...given.from, "--exclude-package", "p3", "--shard", `${index}/3`);
      kept.push(existsSync(join(folder, "package-p3.tar")));
    }
    expect(kept.at(-1)).toBe(false);
    expect(readPlan(folder).archives).toHaveLength(5);
  });
});

describe("shards of a sync", () => {
  test("leave what one sync leaves, and announce no version before its images are there", async () => {
    await using registry = await aSource(product.slice(0, 4));
    const given = await planned(registry);
    const places = { shards: `${registry.host}/shards`, alone: `${registry.host}/alone` };
    const said = await inShards(runProgram, 3, () => ["sync", ...source(given), places.shards, "--plan", given.plan]);
    expect(said.map((stdout) => report(stdout).shard.all?.items)).toEqual([4, 4, 4]);
    await done("sync", ...source(given), places.alone, "--plan", given.plan);
    await using shards = createRegistry(places.shards);
    await using alone = createRegistry(places.alone);
    expect(await contentsOf(shards, given.list)).toEqual(await contentsOf(alone, given.list));
  });

  test("need a plan", async () => {
    const { code, stderr } = await runProgram("sync", "127.0.0.1:1/a", "127.0.0.1:1/b", "--shard", "1/2");
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("--shard needs --plan FILE") });
  });
});

describe("shards of a push", () => {
  test("leave the name of a catalog to the image that the bundle has for it, whichever shard that is in", async () => {
    await using registry = await aSource(product.slice(0, 2));
    const given = await planned(registry);
    registry.seed("other/packages", anImage({ tag: "p1", seed: "an image of its own" }));
    const own = join(given.folder, "own");
    const image = [
      "--image",
      `${registry.host}/other/packages:p1`,
      "--image-rewrite",
      `${registry.host}/other/packages=packages`,
    ];
    await done("pull", own, ...image);
    const discovered = [];
    for (const index of [1, 2, 3]) {
      const args = ["push", given.whole, own, `${registry.host}/shards`, "--shard", `${index}/3`, "--json"];
      discovered.push(report<{ discovery: { written: number } }>(await done(...args)).discovery.written);
    }
    expect(discovered).toEqual([1, 0, 0]); // p2's; that p1's is not written does not depend on who comes first
    await done("push", given.whole, own, `${registry.host}/alone`);
    await using shards = createRegistry(`${registry.host}/shards`);
    await using alone = createRegistry(`${registry.host}/alone`);
    const contents = await contentsOf(shards, given.list);
    expect(contents).toEqual(await contentsOf(alone, given.list));
    expect(contents.packages?.tags.p1).not.toBe(contents.packages?.tags.p2);
  });

  test("go to a registry, not to a folder of image layouts, which has one writer at a time", async () => {
    const folder = join(tempFolder(), "layouts");
    for (const command of [
      ["push", tempFolder()],
      ["sync", "127.0.0.1:1/fe"],
    ]) {
      const { code, stderr } = await runProgram(...command, `oci:${folder}`, "--shard", "1/2");
      expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining("--shard needs a registry") });
    }
    expect(existsSync(folder)).toBe(false);
  });

  test("need not be: parts that are pushed at once, each by itself, leave the same, too", async () => {
    await using registry = await aSource(product.slice(0, 3));
    const given = await planned(registry);
    const parts = [1, 2, 3].map((index) => join(given.folder, `part-${index}`));
    await inShards(runProgram, 3, (index) => [
      ...["pull", parts[index - 1] ?? "", ...source(given), "--plan", given.plan],
    ]);
    await Promise.all(parts.map((part) => done("push", part, `${registry.host}/parts`)));
    await done("push", given.whole, `${registry.host}/alone`);
    await using together = createRegistry(`${registry.host}/parts`);
    await using alone = createRegistry(`${registry.host}/alone`);
    expect(await contentsOf(together, given.list)).toEqual(await contentsOf(alone, given.list));
  });

  test("are told of by a dry run, too", async () => {
    await using registry = await aSource(product.slice(0, 3));
    const given = await planned(registry);
    const said = await inShards(runProgram, 2, () => ["push", given.whole, `${registry.host}/to`, "--dry-run"]);
    const sent = said.map((stdout) => report<{ images: { written: number }; shard: ShardShare }>(stdout));
    expect(sent.map(({ shard }) => shard.items)).toEqual([1, 2]);
    const whole = report<{ images: { written: number } }>(
      await done("push", given.whole, `${registry.host}/to`, "--dry-run", "--json"),
    );
    expect(sent.reduce((sum, { images }) => sum + images.written, 0)).toBe(whole.images.written);
  });
});

test.for([
  ["0/3", "the first is 1/3; add 1 to a number that begins with 0"],
  ["4/3", "of 3 shards the last is 3/3"],
  ["1/0", "there can be 1 to 1000 shards"],
  ["a/b", "write it as i/n, such as 2/3"],
] as const)("--shard %s is wrong usage, and how to write it is said", async ([shard, advice]) => {
  const folder = join(tempFolder(), "bundle");
  for (const command of [
    ["pull", folder, "--source", "127.0.0.1:1/fe"],
    ["push", folder, "127.0.0.1:1/fe"],
    ["verify", folder, "--plan", "plan.json"],
  ]) {
    const { code, stderr } = await runProgram(...command, "--shard", shard);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(advice) });
  }
  expect(existsSync(folder)).toBe(false);
});

test("--shard of a verification needs the plan that says what the whole is", async () => {
  const { code, stderr } = await runProgram("verify", tempFolder(), "--shard", "1/2");
  expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining("--shard needs --plan FILE") });
});

describe("join", () => {
  test("takes chunks and checksums along, and what it has made is a bundle like any other", async () => {
    await using registry = await aSource(product.slice(0, 3));
    const given = await planned(registry);
    const how = ["--plan", given.plan, "--chunk-size", "20kB", "--checksums", "sha256"];
    const [whole, joined] = [join(given.folder, "chunks"), join(given.folder, "joined")];
    await done("pull", whole, ...source(given), ...how);
    const parts = [1, 2].map((index) => join(given.folder, `part-${index}`));
    await inShards(runProgram, 2, (index) => ["pull", parts[index - 1] ?? "", ...source(given), ...how]);
    const stdout = await done("join", ...parts, joined, "--json");
    expect(report<{ archives: readonly { archive: string }[] }>(stdout)).toMatchObject({ command: "join", failed: 0 });
    expect(await fileDigests(joined)).toEqual(await fileDigests(whole));
    await done("verify", joined, "--plan", given.plan);
    await done("join", ...parts, joined); // cut short, it would be run again like this
    expect(await done("pull", joined, ...source(given), ...how)).toContain("nothing has changed");
    expect(await fileDigests(joined)).toEqual(await fileDigests(whole));
  });

  test("writes nothing when something is lacking, contradicts itself or is in the way", async () => {
    await using registry = await aSource(product.slice(0, 3));
    const given = await planned(registry);
    const parts = [1, 2].map((index) => join(given.folder, `part-${index}`)) as [string, string];
    await inShards(runProgram, 2, (index) => [
      ...["pull", parts[index - 1] ?? "", ...source(given), "--plan", given.plan],
    ]);
    const to = join(given.folder, "to");
    const refused = async (...args: readonly string[]) => {
      const { code, stdout } = await runProgram("join", ...args, "--json");
      expect(code).toBe(1);
      return report<{ code: string; message: string }>(stdout);
    };
    expect(await refused(parts[0], to, "--plan", given.plan)).toMatchObject({
      code: "PLAN_INVALID",
      message: expect.stringContaining("of the plan is in none of them"),
    });
    expect(await refused(...parts, parts[0])).toMatchObject({ code: "BUNDLE_NOT_EMPTY" });
    const other = join(given.folder, "other");
    const narrow = ["--include-package", "p1@=v1.0.0", "--no-package-versions"];
    await done("pull", other, ...given.from, ...narrow);
    expect(await refused(...parts, other, to)).toMatchObject({
      code: "PLAN_INVALID",
      message: expect.stringContaining("package-p1.tar is another one than in"),
    });
    rmSync(join(other, lockFileName));
    expect(await refused(...parts, other, to)).toMatchObject({ code: "BUNDLE_UNLOCKED" });
    expect(existsSync(to)).toBe(false);
    expect(await runProgram("join", parts[0])).toMatchObject({ code: 2 });
  });
});
