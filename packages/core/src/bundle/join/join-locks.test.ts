import { MemoryRegistry } from "@tranship/registry";
import { anImage, seedMemory } from "@tranship/registry/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { DownloadList } from "../../plan/download-list.ts";
import { formatLockFile, type LockFile } from "../../plan/lock-file.ts";
import { shardOf } from "../../plan/shards/shard-of.ts";
import { PackagesService } from "../../services/catalog/packages-service.ts";
import { lockArchive } from "../archive/locked-archive.ts";
import { joinLocks, requirePlanned } from "./join-locks.ts";

const names = ["a", "b", "c", "d", "e"];

async function aPlan(): Promise<DownloadList> {
  const source = new MemoryRegistry({ name: "source" });
  for (const name of names) {
    seedMemory(source, "packages", [anImage({ tag: name })]);
    seedMemory(source, `packages/${name}`, [anImage({ tag: "v1.0.0", seed: name })]);
    const files = { "version.json": JSON.stringify({ version: "v1.0.0" }) };
    seedMemory(source, `packages/${name}/version`, [anImage({ tags: ["v1.0.0", "stable"], files })]);
  }
  const missing = [{ reference: "source/x:v1", why: "channel", component: "packages", archive: "package-x.tar" }];
  const failed = [
    { component: "packages", item: "y", archive: "package-y.tar", code: "TRANSFER_FAILED", message: "denied" },
  ];
  return { ...(await new PackagesService({ source }).plan()), missing, failed };
}

const plan = await aPlan();
const lockOf = (list: DownloadList): LockFile => ({ ...list, files: list.archives.map((one) => lockArchive(one)) });
const shardLocks = (count: number) =>
  Array.from({ length: count }, (_, at) => ({
    directory: `part-${at + 1}`,
    lock: lockOf(shardOf(plan, { index: at + 1, count })),
  }));

test("the lock files of all shards, in any order and some of them twice, are joined to that of the whole", () => {
  const order = fc.integer({ min: 1, max: 9 }).chain((count) => {
    const all = shardLocks(count);
    return fc
      .tuple(fc.shuffledSubarray(all, { minLength: count }), fc.subarray(all))
      .map(([shuffled, again]) => [...shuffled, ...again]);
  });
  fc.assert(
    fc.property(order, (locks) => {
      const joined = joinLocks(locks);
      expect(formatLockFile(joined)).toBe(formatLockFile(lockOf(plan)));
      expect(() => requirePlanned(joined, plan)).not.toThrow();
    }),
    { numRuns: 20 },
  );
});

test("what failed in one and is in another has not failed", () => {
  const [first, ...others] = shardLocks(2);
  const [archive] = plan.archives;
  const retried = { component: "packages", item: "a", archive: archive?.archive ?? "", code: "X", message: "gone" };
  const lock = lockOf({ version: 1, archives: [], missing: [], failed: [retried] });
  const joined = joinLocks([{ directory: "before", lock }, ...(first ? [first] : []), ...others]);
  expect(joined.failed).toEqual(plan.failed);
});

test("bundles that have the same archive with other content contradict each other", () => {
  const archives = plan.archives.map((one) => ({ ...one, sections: one.sections.slice(0, 1) }));
  const other = lockOf({ ...plan, archives });
  expect(() =>
    joinLocks([
      { directory: "one", lock: lockOf(plan) },
      { directory: "two", lock: other },
    ]),
  ).toThrow(expect.objectContaining({ code: "PLAN_INVALID", message: expect.stringMatching(/two: .* than in one/) }));
});

test("what a plan has and they have not is named, and what is not the plan's", () => {
  const [first, second] = shardLocks(2);
  const lacking = second?.lock.archives[0]?.archive ?? "";
  const own = first?.lock.archives[0]?.archive ?? "";
  const joined = joinLocks(first ? [first] : []);
  expect(() => requirePlanned(joined, plan)).toThrow(new RegExp(`${lacking}.* of the plan is in none of them`));
  const other = { ...plan, archives: plan.archives.filter(({ archive }) => archive !== own) };
  expect(() => requirePlanned(lockOf(plan), other)).toThrow(`${own} is not what the plan says`);
});
