import { setImmediate } from "node:timers/promises";
import { MemoryRegistry, RegistryError, type RepositoryReader } from "@tranship/registry";
import { aLayer, anImage, seedMemory } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { buildStep, type WantedImage } from "./build-step.ts";
import type { RunContext } from "./planner.ts";
import { SourceCache } from "./source-cache.ts";

const shared = aLayer({ files: { "etc/base": "base" }, seed: "base" });
const own = aLayer({ files: { "bin/app": "app" }, seed: "own" });

function aRun(): { readonly run: RunContext; readonly want: (reference: string, tag?: string) => WantedImage } {
  const source = new MemoryRegistry({ name: "source" });
  const [one, two] = [
    anImage({ tags: ["v1", "stable"], layers: [shared] }),
    anImage({ tag: "v2", layers: [shared, own] }),
  ];
  seedMemory(source, "app", [one, two]);
  const { signal } = new AbortController();
  const repository = source.repository("app");
  return {
    run: { signal, source: new SourceCache({ signal }), emit: () => {} },
    want: (reference, tag) => ({
      path: "app",
      repository,
      reference,
      ...(tag === undefined ? {} : { tag }),
      why: "pin",
      whenMissing: "fail",
      whenBroken: "fail",
    }),
  };
}

test("a section has nothing that an earlier one of the archive has: neither a tag nor a blob", async () => {
  const { run, want } = aRun();
  const first = await buildStep([want("v1")], [], run);
  if (!first) return expect.unreachable();
  const [laid] = first.section.repositories;
  expect(laid?.images.map(({ tag }) => tag)).toEqual(["v1"]);
  const second = await buildStep([want("v1"), want("stable"), want("v2")], [first.section], run);
  const [added] = second?.section.repositories ?? [];
  expect(added?.images.map(({ tag }) => tag)).toEqual(["stable", "v2"]);
  const before = new Set(laid?.blobs.map(({ digest }) => digest));
  expect(added?.blobs.filter(({ digest }) => before.has(digest))).toEqual([]);
  expect(added?.blobs.map(({ digest }) => digest)).toContain(own.digest);
  expect(await buildStep([want("v1")], [first.section], run)).toBeUndefined();
});

test("a tag that stands for another image from now on is laid down again", async () => {
  const { run, want } = aRun();
  const first = await buildStep([want("stable")], [], run);
  const second = await buildStep([want("v2", "stable")], first ? [first.section] : [], run);
  const named = second?.section.repositories.flatMap(({ images }) =>
    images.map(({ tag, reference }) => [tag, reference]),
  );
  expect(named).toEqual([["stable", "source/app:stable"]]);
});

test("of a section with very many images, only so many are looked for at a time", async () => {
  const { run, want } = aRun();
  const asked: string[] = [];
  let answer = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const source: RunContext["source"] = Object.create(run.source, {
    manifest: {
      value: async (repository: RepositoryReader, reference: string) => {
        asked.push(reference);
        await answered;
        return await run.source.manifest(repository, "v1");
      },
    },
  });
  const wanted = Array.from({ length: 2000 }, (_, at) => want("v1", `v1.${at}`));
  const building = buildStep(wanted, [], { ...run, source });
  await setImmediate();
  expect(asked.length).toBeGreaterThan(32);
  expect(asked.length).toBeLessThan(300);
  answer();
  expect((await building)?.section.repositories[0]?.images).toHaveLength(2000);
});

test("what came as no manifest may come right the next time: its step is not settled; what is not there settles it", async () => {
  const { run, want } = aRun();
  const source: RunContext["source"] = Object.create(run.source, {
    manifest: {
      value: async (repository: RepositoryReader, reference: string) => {
        if (reference === "v2")
          throw new RegistryError("INVALID_MANIFEST", "it is none", { reference: "source/app:v2", reason: "no JSON" });
        return await run.source.manifest(repository, reference);
      },
    },
  });
  const wanted = (reference: string): WantedImage => ({
    ...want(reference),
    whenMissing: "report",
    whenBroken: "report",
  });
  const damaged = await buildStep([wanted("v1"), wanted("v2")], [], { ...run, source });
  expect(damaged?.isUnsettled).toBe(true);
  expect(damaged?.missing).toEqual([{ reference: "source/app:v2", why: "pin" }]);
  expect(damaged?.section.repositories[0]?.images.map(({ tag }) => tag)).toEqual(["v1"]);
  const gone = await buildStep([wanted("v1"), wanted("v3")], [], { ...run, source });
  expect(gone?.missing).toEqual([{ reference: "source/app:v3", why: "pin" }]);
  expect(gone?.isUnsettled).toBeFalsy();
});
