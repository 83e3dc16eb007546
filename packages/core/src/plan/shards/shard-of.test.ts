import { digestOf } from "@tranship/registry";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compareText } from "../../layout/index-file.ts";
import { type DownloadList, downloadTotals, sortedMissing } from "../download-list.ts";
import { type PlannedRepository, sectionSchema } from "../section.ts";
import { archiveShard, repositoryShard, shardOf } from "./shard-of.ts";

/** A repository with blobs of these sizes; the same number is the same blob. */
function repository(path: string, sizes: readonly number[]): PlannedRepository {
  const blobs = [...new Set(sizes)].map((size) => {
    const mediaType = "application/octet-stream";
    return { digest: digestOf(new TextEncoder().encode(`blob ${size}`)), size, mediaType };
  });
  return { path, source: `source/${path}`, images: [], blobs };
}

function list(
  archives: Readonly<Record<string, readonly PlannedRepository[]>>,
  rest: Partial<DownloadList> = {},
): DownloadList {
  return {
    version: 1,
    archives: Object.entries(archives)
      .sort(([a], [b]) => compareText(a, b))
      .map(([name, repositories]) => {
        const archive = `package-${name}.tar`;
        return { archive, component: "packages", item: name, sections: [{ repositories }] };
      }),
    missing: [],
    ...rest,
  };
}

const lost = (name: string, archive?: string) => ({
  component: "packages",
  reference: `source/${name}:v1`,
  why: "channel",
  ...(archive === undefined ? {} : { archive }),
});

const failure = (item: string) => ({
  component: "packages",
  item,
  archive: `package-${item}.tar`,
  code: "TRANSFER_FAILED",
  message: "no",
});

const names = ["a", "b", "c", "d", "e", "f", "g", "h"];
const sizes = fc.array(fc.nat({ max: 1000 }), { maxLength: 5 });
const anyList = fc
  .record({
    archives: fc.dictionary(fc.constantFrom(...names), fc.tuple(sizes, sizes), { maxKeys: 8 }),
    missing: fc.array(fc.tuple(fc.constantFrom(...names), fc.boolean()), { maxLength: 6 }),
    failed: fc.uniqueArray(fc.constantFrom("x", "y", "z"), { maxLength: 3 }),
  })
  .map(({ archives, missing, failed }) =>
    list(
      Object.fromEntries(
        Object.entries(archives).map(([name, [own, version]]) => [
          name,
          [repository(`packages/${name}`, own), repository(`packages/${name}/version`, version)],
        ]),
      ),
      {
        missing: sortedMissing(missing.map(([name, isOld]) => lost(name, isOld ? undefined : `package-${name}.tar`))),
        ...(failed.length === 0 ? {} : { failed: failed.sort().map(failure) }),
      },
    ),
  );
const count = fc.integer({ min: 1, max: 5 });
const indexes = (of: number) => Array.from({ length: of }, (_, index) => index + 1);

test("the shards of a plan are the plan, each thing of it once", () => {
  fc.assert(
    fc.property(anyList, count, (plan, of) => {
      const shards = indexes(of).map((index) => shardOf(plan, { index, count: of }));
      const archives = shards.flatMap((one) => one.archives).sort((a, b) => compareText(a.archive, b.archive));
      const failed = shards.flatMap((one) => one.failed ?? []).sort((a, b) => compareText(a.archive, b.archive));
      const joined = { version: 1, archives, missing: sortedMissing(shards.flatMap((one) => one.missing)) };
      expect({ ...joined, ...(failed.length === 0 ? {} : { failed }) }).toEqual(plan);
      expect(shards.reduce((sum, one) => sum + one.missing.length, 0)).toBe(plan.missing.length);
    }),
  );
});

test("a single shard is the plan as it is", () => {
  fc.assert(
    fc.property(anyList, (plan) => {
      expect(shardOf(plan, { index: 1, count: 1 })).toEqual(plan);
    }),
  );
});

test("what a shard comes to is told, and of what it is a part", () => {
  fc.assert(
    fc.property(anyList, count, (plan, of) => {
      const shares = indexes(of).map((index) => archiveShard(plan, { index, count: of }));
      for (const { list: own, share } of shares) {
        const sizeOf = (archive: string) =>
          downloadTotals({ ...plan, archives: plan.archives.filter((one) => one.archive === archive) }).fetchBytes;
        expect(share.bytes).toBe(own.archives.reduce((sum, { archive }) => sum + sizeOf(archive), 0));
        expect(share.all?.bytes).toBe(shares.reduce((sum, one) => sum + (one.share.bytes ?? 0), 0));
        expect(share.all?.items).toBe(shares.reduce((sum, one) => sum + one.share.items, 0));
      }
    }),
  );
});

test("one large archive is one shard's, the small ones the other's", () => {
  const plan = list(
    Object.fromEntries(names.map((name, at) => [name, [repository(`packages/${name}`, [at === 3 ? 900 : 100 + at])]])),
  );
  expect(shardOf(plan, { index: 1, count: 2 }).archives.map(({ item }) => item)).toEqual(["d"]);
  expect(shardOf(plan, { index: 2, count: 2 }).archives).toHaveLength(7);
});

test("an archive of which everything is missing, or that failed, is of one shard like others", () => {
  const plan = list({}, { missing: [lost("a", "package-a.tar"), lost("b", "package-b.tar")], failed: [failure("c")] });
  const shards = indexes(4).map((index) => archiveShard(plan, { index, count: 4 }));
  expect(shards.map(({ share }) => share.items)).toEqual([1, 1, 1, 0]);
  expect(shards.map(({ list: own }) => [own.missing.length, own.failed?.length ?? 0])).toEqual([
    [1, 0],
    [1, 0],
    [0, 1],
    [0, 0],
  ]);
});

test("by repositories, each is in one shard, with all that is below the same name of a catalog, whichever archive it is in", () => {
  fc.assert(
    fc.property(anyList, count, (plan, of) => {
      const metadata = plan.archives.map(({ item }) => repository(`packages/${item}/version`, [7, 8]));
      const whole: DownloadList = {
        ...plan,
        archives: [...plan.archives, ...list({ "versions-of-all": metadata }).archives],
      };
      const shards = indexes(of).map((index) => repositoryShard(whole, { index, count: of }).list);
      const pathsOf = ({ archives }: DownloadList) =>
        archives.flatMap((one) =>
          one.sections.flatMap((section) => section.repositories.map(({ path }) => `${one.archive} ${path}`)),
        );
      expect(shards.flatMap(pathsOf).sort()).toEqual(pathsOf(whole).sort());
      for (const { item } of plan.archives) {
        const holders = shards.filter((one) => pathsOf(one).some((path) => path.includes(` packages/${item}`)));
        expect(holders.length).toBeLessThanOrEqual(1);
      }
      expect(shards.flatMap((one) => one.missing)).toEqual(whole.missing);
      expect(shards.flatMap((one) => one.failed ?? [])).toEqual(whole.failed ?? []);
      for (const one of shards) expect(one.archives.every(({ sections }) => sections.length > 0)).toBe(true);
    }),
  );
});

test("sections of a part are sections", () => {
  const plan = list({ a: [repository("packages/a", [1]), repository("other", [2])] });
  const { archives } = repositoryShard(plan, { index: 2, count: 2 }).list;
  expect(archives.flatMap(({ sections }) => sections.map((one) => sectionSchema.parse(one)))).toEqual([
    { repositories: [repository("packages/a", [1])] },
  ]);
});

test.for([
  { index: 0, count: 3 },
  { index: 4, count: 3 },
  { index: 1.5, count: 3 },
  { index: 1, count: 0 },
  { index: Number.NaN, count: 2 },
])("there is no shard $index of $count", (shard) => {
  expect(() => shardOf(list({}), shard)).toThrow(expect.objectContaining({ code: "SELECTION_INVALID" }));
  expect(() => repositoryShard(list({}), shard)).toThrow(expect.objectContaining({ code: "SELECTION_INVALID" }));
});
