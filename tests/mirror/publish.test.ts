import { cpSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { join } from "node:path";
import { Bundle, isMirrorError, lockFileName, type MirrorEvent, verifyBundle } from "@tranship/core";
import { createRegistry, isManifestMediaType } from "@tranship/registry";
import type { TestRegistry } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { differing, fileDigests } from "../support/bundle-files.ts";
import { crashStates, type Names } from "../support/crash-states.ts";
import type { Step } from "../support/log-steps.ts";
import { aSource, pullInto, readPlan } from "../support/mirror.ts";
import { listTar, naiveNames, naiveRead } from "../support/naive-reader.ts";
import { type ProductPackage, seedProduct } from "../support/product.ts";
import { runToEnd } from "../support/start-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";

const chunkBytes = 40_000;
const sizes = { whole: undefined, chunked: chunkBytes } as const;

/** What is there before: more than what comes after, so that a chunk set has a tail to lose. */
const before: readonly ProductPackage[] = [
  {
    name: "alb",
    versions: ["v1.0.2", "v1.0.3", "v1.1.0"],
    channels: { alpha: "v1.1.0", beta: "v1.1.0", stable: "v1.0.3", "rock-solid": "v1.0.2" },
  },
];
const after: readonly ProductPackage[] = [
  {
    name: "alb",
    versions: ["v1.1.0", "v1.2.0"],
    channels: { alpha: "v1.2.0", beta: "v1.2.0", stable: "v1.1.0", "rock-solid": "v1.1.0" },
  },
];

async function publish(source: TestRegistry, product: readonly ProductPackage[]): Promise<void> {
  await using client = createRegistry(`${source.host}/demo/fe`);
  await seedProduct(client, product);
}

/** Of the places to kill at, every so manieth in one run, others for each transition; `KILL_EVERY=1` takes them all. */
const killEvery = Number(process.env.KILL_EVERY ?? 12);

const transitions = [
  { from: "whole", to: "whole" },
  { from: "whole", to: "chunked" },
  { from: "chunked", to: "whole" },
  { from: "chunked", to: "chunked" },
] as const;

test.for(transitions)(
  "killed before any step, a pull that puts a $to bundle over a $from one shows each archive old, new or not at all",
  { timeout: 120_000 },
  async ({ from, to }) => {
    await using source = await aSource(before);
    const [old, fresh] = [tempFolder(), tempFolder()];
    await pullInto(old, source.host, [], { chunkBytes: sizes[from] });
    await publish(source, after);
    cpSync(old, fresh, { recursive: true });
    await pullInto(fresh, source.host, [], { chunkBytes: sizes[to] });
    const known = { old: await contentOf(old), new: await contentOf(fresh) };
    for (const archive of [...Object.values(known.old.archives), ...Object.values(known.new.archives)]) {
      expect(listTar(archive).length).toBeGreaterThan(5);
    }
    const blobs = await blobsOf(fresh, source);

    let next = 1 + (transitions.findIndex((one) => one.from === from && one.to === to) % killEvery);
    let steps = Number.POSITIVE_INFINITY;
    const killAndHeal = async () => {
      for (let step = next; step < steps; step = next) {
        next += killEvery;
        const folder = tempFolder();
        cpSync(old, folder, { recursive: true });
        const chunks = to === "chunked" ? ["--chunk-size", String(chunkBytes)] : [];
        const args = ["pull", folder, "--source", `${source.host}/demo/fe`, ...chunks];
        const { code, signal, stderr } = await runToEnd(args, { kill: { step } });
        expect([code, signal], stderr).toEqual(code === 0 ? [0, null] : [null, "SIGKILL"]);
        if (code === 0) steps = Math.min(steps, step);
        else await isSound(folder, known, step);
        const there = blobsIn(folder, blobs);
        const fetched: string[] = [];
        const onEvent = (event: MirrorEvent) => {
          if (event.type === "blob.started") fetched.push(event.digest);
        };
        await pullInto(folder, source.host, [], { chunkBytes: sizes[to], onEvent });
        expect(differing(known.new.digests, await fileDigests(folder)), `killed before step ${step}`).toEqual([]);
        expect(
          fetched.filter((digest) => there.includes(digest)),
          `killed before step ${step}`,
        ).toEqual([]);
      }
    };
    await Promise.all([killAndHeal(), killAndHeal()]);
    expect(steps).toBeGreaterThan(15); // lock, two archives with their folders, journal, lock again, tidying
  },
);

test.for(transitions)(
  "whatever of its names a power cut loses, a pull that puts a $to bundle over a $from one shows no mix",
  async ({ from, to }) => {
    await using source = await aSource(before);
    const [folder, stepLog] = [realpathSync(tempFolder()), join(tempFolder(), "steps.ndjson")];
    await pullInto(folder, source.host, [], { chunkBytes: sizes[from] });
    await publish(source, after);
    const oldNames = finishedNames(folder);
    const chunks = to === "chunked" ? ["--chunk-size", String(chunkBytes)] : [];
    const args = ["pull", folder, "--source", `${source.host}/demo/fe`, ...chunks];
    expect(await runToEnd(args, { stepLog })).toMatchObject({ code: 0 });
    const newNames = finishedNames(folder);
    const steps = readFileSync(stepLog, "utf8").trim().split("\n");
    let states = 0;
    let last: Names = new Map();
    for (const names of crashStates(
      folder,
      oldNames,
      steps.map((line) => JSON.parse(line) as Step),
    )) {
      states += 1;
      last = names;
      for (const archive of ["package-alb.tar", "package-versions.tar"]) {
        const known = [
          "",
          naiveContents(named("old", oldNames), archive),
          naiveContents(named("new", newNames), archive),
        ];
        const found = naiveContents(names, archive);
        expect(known, `state ${states}`).toContain(found);
        const lock = names.get(lockFileName);
        if (lock === `old ${lockFileName}`) expect(found, `state ${states}`).toBe(known[1]);
        else if (lock !== undefined)
          expect([lock, found], `state ${states}`).toEqual([`new ${lockFileName}`, known[2]]);
      }
    }
    expect(states).toBeGreaterThan(5);
    // What the pull ended with is there for good.
    expect([...last.keys()].filter(isFinished).sort()).toEqual(newNames);
    expect(last.get(lockFileName)).toBe(`new ${lockFileName}`);
  },
);

const isFinished = (name: string) => /\.(?:tar|chunk|json)$/.test(name);

function finishedNames(folder: string): readonly string[] {
  return readdirSync(folder).filter(isFinished).sort();
}

function named(age: "old" | "new", names: readonly string[]): Names {
  return new Map(names.map((name) => [name, `${age} ${name}`]));
}

/** What is behind the names that a simple reader takes for the archive, one after the other. */
function naiveContents(contents: Names, archive: string): string {
  const whole = contents.get(archive);
  if (whole !== undefined) return whole;
  const chunks: string[] = [];
  for (;;) {
    const chunk = contents.get(`${archive}.${String(chunks.length).padStart(4, "0")}.chunk`);
    if (chunk === undefined) return chunks.join();
    chunks.push(chunk);
  }
}

interface Content {
  readonly archives: Readonly<Record<string, Buffer>>;
  readonly digests: Readonly<Record<string, string>>;
}

async function contentOf(folder: string): Promise<Content> {
  const archives = naiveNames(folder).map((name) => [name, naiveRead(folder, name) ?? Buffer.alloc(0)]);
  return { archives: Object.fromEntries(archives), digests: await fileDigests(folder) };
}

/** Every archive is old, new or not there, for a reader that looks at nothing else; for ours, the bundle is. */
async function isSound(folder: string, known: { readonly old: Content; readonly new: Content }, step: number) {
  for (const name of naiveNames(folder)) {
    const found = naiveRead(folder, name);
    const isKnown = [undefined, known.old.archives[name], known.new.archives[name]].some((expected) =>
      found === undefined || expected === undefined ? found === expected : found.equals(expected),
    );
    expect(isKnown, `${name} when killed before step ${step}`).toBe(true);
  }
  const opened = await openOrRefuse(folder);
  if (opened === "BUNDLE_UNFINISHED") return;
  const finished = Object.entries(await fileDigests(folder)).filter(([name]) => /\.(?:tar|chunk|json)$/.test(name));
  const isOne = [known.old, known.new].some(
    ({ digests }) => differing(digests, Object.fromEntries(finished)).length === 0,
  );
  expect([opened, isOne], `opened when killed before step ${step}`).toEqual(["sound", true]);
}

async function openOrRefuse(folder: string): Promise<string> {
  try {
    await using bundle = await Bundle.open(folder);
    const { findings } = await verifyBundle(bundle);
    return findings.length === 0 ? "sound" : JSON.stringify(findings);
  } catch (error) {
    return isMirrorError(error) ? error.code : String(error);
  }
}

/** Everything a bundle is made of, by digest, as the source has it. */
async function blobsOf(folder: string, source: TestRegistry): Promise<ReadonlyMap<string, Uint8Array>> {
  const blobs = new Map<string, Uint8Array>();
  await using client = createRegistry(`${source.host}/demo/fe`);
  for (const { sections } of readPlan(folder).archives) {
    for (const { path, blobs: planned } of sections.flatMap(({ repositories }) => repositories)) {
      for (const blob of planned) {
        const pieces: Uint8Array[] = [];
        if (isManifestMediaType(blob.mediaType)) {
          const { bytes } = await client.repository(path).manifest(blob.digest);
          pieces.push(bytes);
        } else for await (const piece of client.repository(path).fetchBlob(blob)) pieces.push(piece);
        blobs.set(blob.digest, Buffer.concat(pieces));
      }
    }
  }
  return blobs;
}

/** Which of them lie whole somewhere in a folder, under whatever name. */
function blobsIn(folder: string, blobs: ReadonlyMap<string, Uint8Array>): readonly string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = Buffer.concat(
    files
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort()
      .map((path) => readFileSync(path)),
  );
  return [...blobs].filter(([, content]) => bytes.includes(Buffer.from(content))).map(([digest]) => digest);
}
