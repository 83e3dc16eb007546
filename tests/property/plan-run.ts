import { existsSync, readdirSync, rmSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import {
  type AttachedKinds,
  Bundle,
  BundleDirectory,
  type CatalogServiceOptions,
  type DownloadList,
  downloadTotals,
  formatDownloadList,
  inventoryOf,
  isMirrorError,
  listPlanner,
  lockFileName,
  ModulesService,
  PackagesService,
  type Planner,
  type PullReport,
  parseDownloadList,
  plan,
  pull,
  pushBundle,
  sync,
  verify,
} from "@tranship/core";
import { createRegistry, MemoryRegistry, type Registry, type RegistryReader } from "@tranship/registry";
import { startTestRegistry } from "@tranship/registry/testing";
import fc from "fast-check";
import { differing, fileDigests } from "../support/bundle-files.ts";
import { seededRandom } from "../support/random.ts";
import { injectFaults } from "./homes.ts";
import { buildCatalog, type CatalogPlan, catalogPlan, namesOf } from "./random-catalog.ts";
import { type Content, contentOf } from "./repository-content.ts";

/** One plan and the pulls that are held against it. */
export interface PlanRun {
  readonly catalog: CatalogPlan;
  readonly selection: SelectionPlan;
  /** How many requests to the source may go wrong in each of its runs; without, the source is in memory. */
  readonly faults?: number | undefined;
  /** Whether part of it is left to a base. */
  readonly hasBase: boolean;
  readonly seed: number;
}

interface SelectionPlan {
  /** What is asked of each name, by number: nothing, the name alone, a range, or tags. */
  readonly asked: readonly number[];
  readonly isExclusion: boolean;
  readonly attached: AttachedKinds;
  readonly platforms: readonly string[] | undefined;
  /** Whether indexes stay as they are, where platforms are chosen. */
  readonly isSparse: boolean;
  readonly onlyExtraImages: boolean;
  readonly proxy: boolean;
  readonly metadataOnly: boolean;
  readonly keepGoing: boolean;
}

/** How it went; plain data. */
export interface PlanOutcome {
  /** What did not hold. */
  readonly problems: readonly string[];
  readonly images: number;
  readonly bytes: number;
  /** What the source does not have, and items that were gone on without. */
  readonly missing: number;
  readonly failed: number;
  /** Requests that went wrong. */
  readonly faulty: number;
  /** Nothing could be planned, and nothing be pulled. */
  readonly isRefused: boolean;
}

/** A folder in memory: how long a disk takes to keep bytes is nothing a plan is about. */
const memory = "/dev/shm";

const ranges = ["^1.0.0", ">=1.0.0", "~1.0", "<1.0.0", "0.4.0", ">=1.0.0 <3.0.0-0", "~0.4 || ^2"];

/** Any run. */
export const planRun: fc.Arbitrary<Omit<PlanRun, "faults">> = fc.record({
  catalog: catalogPlan,
  selection: fc.record({
    asked: fc.array(fc.nat({ max: 1000 }), { maxLength: 5 }),
    isExclusion: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
    attached: fc.constantFrom("all" as const, "all" as const, "vex" as const, "all-but-vex" as const, "none" as const),
    platforms: fc.constantFrom(undefined, undefined, ["linux/amd64"], ["linux/arm64", "linux/amd64"], ["linux/s390x"]),
    isSparse: fc.boolean(),
    onlyExtraImages: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
    proxy: fc.integer({ min: 0, max: 5 }).map((n) => n === 0),
    metadataOnly: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    keepGoing: fc.boolean(),
  }),
  hasBase: fc.integer({ min: 0, max: 3 }).map((n) => n === 0),
  seed: fc.nat(),
});

/**
 * Plans, pulls the same, pulls the plan, and pushes what came of it: the plan must be the pull's lock and its totals what
 * the pull received, a pull of the plan make the same files, and the pushed hold all that was planned.
 */
export async function runPlan(run: PlanRun): Promise<PlanOutcome> {
  const folder = await mkdtemp(join(existsSync(memory) ? memory : tmpdir(), "tranship-plan-"));
  try {
    if (run.faults === undefined) return await compare(run, buildCatalog(run.catalog), folder, () => {});
    await using server = await startTestRegistry({ registry: buildCatalog(run.catalog), maxPageSize: 3 });
    await using source = createRegistry(server.host, { retryDelayMs: 1, idleTimeoutMs: 5000, attempts: 8 });
    const random = seededRandom(run.seed);
    let faulty = 0;
    const disturb = () => {
      server.reset();
      const onFault = () => {
        faulty += 1;
      };
      injectFaults(server, run.faults ?? 0, random, onFault, 1); // a blob that is damaged twice ends a pull
    };
    return { ...(await compare(run, source, folder, disturb)), faulty };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function compare(
  run: PlanRun,
  source: RegistryReader,
  folder: string,
  disturb: () => void,
): Promise<PlanOutcome> {
  const { keepGoing } = run.selection;
  const [first, second] = [join(folder, "first"), join(folder, "second")];
  const base = run.hasBase ? await someBase(run, source) : undefined;
  disturb();
  const planned = await settle(() => plan(plannersOf(run, source), { base, keepGoing }));
  disturb();
  const pulled = await settle(() => pullInto(first, plannersOf(run, source), { base, keepGoing }));
  if (!planned.value || !pulled.value) {
    const problems = planned.value || pulled.value ? [`plan: ${planned.code}, pull: ${pulled.code}`] : [];
    return { problems, images: 0, bytes: 0, missing: 0, failed: 0, faulty: 0, isRefused: true };
  }
  const list = planned.value;
  const problems = [...(await againstLock(list, first)), ...againstReport(list, pulled.value, run.faults)];
  for (const name of readdirSync(first)) if (list.failed && name.includes(".partial")) rmSync(join(first, name));
  disturb();
  await pullInto(second, [listPlanner(list, source)]);
  const files = differing(await fileDigests(first), await fileDigests(second));
  if (files.length > 0) problems.push(`a pull of the plan has other files: ${files.join(", ")}`);
  disturb();
  const syncTo = async (to: Registry) => void (await sync(plannersOf(run, source), { to, keepGoing, retryDelayMs: 1 }));
  problems.push(...(await againstPush(list, first, syncTo)));
  return { problems, ...countsOf(list), faulty: 0, isRefused: false };
}

function countsOf(list: DownloadList) {
  const { images, fetchBytes: bytes } = downloadTotals(list);
  return { images, bytes, missing: list.missing.length, failed: list.failed?.length ?? 0 };
}

async function againstLock(list: DownloadList, bundle: string): Promise<readonly string[]> {
  const lock = parseDownloadList(await readFile(join(bundle, lockFileName), "utf8"), lockFileName);
  if (formatDownloadList(lock) === formatDownloadList(list)) return [];
  const differs = (["archives", "missing", "failed"] as const).filter(
    (part) => !isDeepStrictEqual(lock[part], list[part]),
  );
  return [`the plan is not the lock in ${differs.join(", ") || "its order"}`];
}

/** What arrived damaged was received in vain, as was all of an item that failed: then there may be more than planned. */
function againstReport(list: DownloadList, report: PullReport, faults = 0): readonly string[] {
  const { images, blobs, fetchBytes, assumed, archives } = downloadTotals(list);
  const told = { images, blobs, assumed, archives, fetched: { blobs, bytes: fetchBytes }, missing: list.missing };
  const mayBeMore = faults > 0 || list.failed !== undefined;
  const done = {
    images: report.images,
    blobs: report.blobs,
    assumed: report.assumed,
    archives: report.archives.length,
    fetched: mayBeMore ? { blobs, bytes: Math.min(report.fetched.bytes, fetchBytes) } : report.fetched,
    missing: report.missing,
  };
  return isDeepStrictEqual(told, done) ? [] : [`planned ${JSON.stringify(told)}, pulled ${JSON.stringify(done)}`];
}

/**
 * What is left to a base is not pushed here; the bundle itself then has to have the rest. A sync leaves what the push
 * does; of items that failed, another run may have more.
 */
async function againstPush(
  list: DownloadList,
  folder: string,
  syncTo: (to: Registry) => Promise<void>,
): Promise<readonly string[]> {
  if (list.archives.length === 0) return [];
  await using bundle = await Bundle.open(folder);
  const target = new MemoryRegistry();
  const isWhole = downloadTotals(list).assumed.blobs === 0;
  if (isWhole) await pushBundle(bundle, target);
  const { findings } = await verify(isWhole ? target : bundle, list);
  const problems = findings.map(({ code, message }) => `${code}: ${message}`);
  if (!isWhole || list.failed !== undefined) return problems;
  const synced = new MemoryRegistry();
  await syncTo(synced);
  const [one, other] = [await allContent(target, list), await allContent(synced, list)];
  return isDeepStrictEqual(one, other) ? problems : [...problems, "a sync leaves something else than a push"];
}

async function allContent(registry: RegistryReader, { archives }: DownloadList): Promise<ReadonlyMap<string, Content>> {
  const content = new Map<string, Content>();
  const planned = archives.flatMap(({ sections }) => sections.flatMap(({ repositories }) => repositories));
  for await (const path of registry.repositories()) {
    const parts = planned.filter((one) => one.path === path);
    const leftOut = new Set(parts.flatMap((one) => (one.leftOut ?? []).map(({ digest }) => digest)));
    const brought = new Set(parts.flatMap(({ blobs }) => blobs.map(({ digest }) => digest)));
    content.set(path, await contentOf(registry.repository(path), leftOut.difference(brought)));
  }
  return content;
}

async function pullInto(
  folder: string,
  planners: readonly Planner[],
  options: Pick<Parameters<typeof pull>[1], "base" | "keepGoing"> = {},
): Promise<PullReport> {
  await using bundle = await BundleDirectory.open(folder);
  return await pull(planners, { to: bundle, retryDelayMs: 1, ...options });
}

/** Some of what a pull of everything would bring. */
async function someBase(run: PlanRun, source: RegistryReader) {
  const { value } = await settle(() => plan(plannersOf(run, source), { keepGoing: true }));
  const random = seededRandom(run.seed);
  const whole = value && inventoryOf(value);
  return (
    whole && {
      ...whole,
      repositories: whole.repositories.map(({ path, blobs }) => ({ path, blobs: blobs.filter(() => random() < 0.5) })),
    }
  );
}

function plannersOf({ catalog, selection }: PlanRun, source: RegistryReader): readonly Planner[] {
  const { attached, platforms, isSparse, onlyExtraImages, proxy, metadataOnly, isExclusion } = selection;
  const named = (kind: "packages" | "modules"): Pick<CatalogServiceOptions, "include" | "exclude"> => {
    const expressions = namesOf(catalog).flatMap((one, at) =>
      one.kind === kind ? expressionOf(one, selection.asked[at]) : [],
    );
    if (!isExclusion) return { include: expressions };
    return { exclude: expressions.map((text) => text.replace(/@.*/, "")) };
  };
  const platformMode = isSparse && platforms ? "sparse" : "narrow";
  const shared = { source, attached, platforms, platformMode, onlyExtraImages, proxy } as const;
  return [
    new PackagesService({ ...shared, ...named("packages"), metadataOnly }),
    new ModulesService({ ...shared, ...named("modules") }),
  ];
}

function expressionOf(
  { name, tags }: { readonly name: string; readonly tags: readonly string[] },
  asked: number | undefined,
): readonly string[] {
  if (asked === undefined) return [];
  const tag = tags[asked % Math.max(1, tags.length)];
  const range = `${name}@${ranges[asked % ranges.length]}`;
  if (asked % 29 === 0) return [`${name}@=v7.7.7`]; // there is no such tag
  if (asked % 5 === 0 || tag === undefined) return [name];
  if (asked % 5 === 1) return [range];
  if (asked % 5 === 2) return [`${name}@=${tag}`];
  if (asked % 5 === 3) return [`${name}@=${tag}+stable`, `${name}@=${tags[0]}`];
  return [range, `${name}@=${tag}`];
}

/** The value, or the code of the error; what is no error of ours is thrown on. */
async function settle<Value>(call: () => Promise<Value>): Promise<{ readonly value?: Value; readonly code?: string }> {
  try {
    return { value: await call() };
  } catch (error) {
    if (isMirrorError(error)) return { code: error.code };
    throw error;
  }
}
