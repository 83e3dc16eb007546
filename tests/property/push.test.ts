import { LayoutRegistry, type PushBundleOptions, pushBundle } from "@tranship/core";
import { createRegistry, MemoryRegistry, type Registry, referrersTag } from "@tranship/registry";
import { anIndex, seedMemory, startTestRegistry } from "@tranship/registry/testing";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { lacking } from "../support/tools.ts";
import { buildGraph, type GraphPlan, graphPlan } from "./random-graph.ts";

/** Opens an empty target, time and again. */
type OpenTarget = () => Promise<Registry>;

const paths = ["install", "modules/net", "packages/app", "packages/app/version"];

/** What bundles hold: images under tags, and what refers to them in lists under fallback tags. */
function aSource(plans: readonly GraphPlan[]): MemoryRegistry {
  const source = new MemoryRegistry({ name: "source" });
  for (const [at, plan] of plans.entries()) {
    const { tagged, artifacts } = buildGraph(plan);
    const bySubject = Map.groupBy(artifacts, ({ manifest }) => {
      const { subject } = JSON.parse(new TextDecoder().decode(manifest.bytes));
      return referrersTag(subject.digest);
    });
    const lists = [...bySubject].map(([tag, images]) => anIndex({ images, tag }));
    seedMemory(source, paths[at] ?? "more", [...tagged, ...lists]);
  }
  return source;
}

const sha256Only = graphPlan.map((plan) => ({
  ...plan,
  images: plan.images.map((image) => ({ ...image, sha512: false })),
}));

const run = fc.record({
  before: fc.array(sha256Only, { maxLength: 4 }),
  after: fc.array(sha256Only, { minLength: 1, maxLength: 4 }),
  onConflict: fc.constantFrom("overwrite" as const, "skip" as const),
  modulesPathSuffix: fc.constantFrom("", "/", "/my/mods"),
});

/** Nothing that a push did may differ from what its dry run told, and nothing may be left to do. */
async function holds(open: OpenTarget, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(run, async ({ before, after, ...options }) => {
      const target = await open();
      await pushBundle(aSource(before), target, options);
      const source = aSource(after);
      const told = await pushBundle(source, target, { ...options, dryRun: true });
      expect(await pushBundle(source, target, options)).toEqual(told);
      const again: PushBundleOptions = { ...options, dryRun: true };
      const left = await pushBundle(source, target, again);
      expect(left.bytes).toEqual({ uploaded: 0, mounted: 0, present: 0, manifests: 0 });
      expect([left.images.written, left.images.replaced, left.images.kept]).toEqual([0, 0, told.images.kept]);
      expect([left.referrers.written, left.discovery.written]).toEqual([0, 0]);
    }),
    { numRuns },
  );
}

/** Each time another place of one host. */
function placesOf(host: string): OpenTarget {
  let count = 0;
  return async () => {
    const registry = createRegistry(`${host}/r${++count}`);
    onTestFinished(() => registry.close());
    return registry;
  };
}

test("a dry run tells exactly what a push into memory does", async () => {
  await holds(async () => new MemoryRegistry(), 30);
});

test("a dry run tells exactly what a push into image layouts does", async () => {
  await holds(() => LayoutRegistry.open(tempFolder(), { create: true }), 10);
});

test("a dry run tells exactly what a push into a registry does", async () => {
  await using server = await startTestRegistry();
  await holds(placesOf(server.host), 10);
});

const docker = "docker-registry";

if (lacking(docker).length > 0) console.warn("property/push: skipped with docker-registry, which is not installed");

test.skipIf(lacking(docker).length > 0)("a dry run tells exactly what a push into docker-registry does", async () => {
  await using server = await startDockerRegistry();
  await holds(placesOf(server.host), 4);
});
