import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Findings } from "../catalog.ts";
import { measureWithoutRequests, mib } from "../measure.ts";
import { benchClients } from "./clients.ts";
import { fittedExponent, largestStep } from "./fit.ts";
import { measuredOn } from "./measured-on.ts";
import { replaceSection } from "./page.ts";
import { logLogPlot } from "./plot.ts";
import type { Section } from "./section.ts";
import { SourceProcess } from "./source-process.ts";
import type { WorldSize } from "./world.ts";

/** Ten times as much may cost so many times as much. */
const maxStep = 13;

/** The most memory a command may take, whatever the size, in bytes. */
const maxPeakBytes = 1024 * mib;

/** What one command cost at one size. */
interface Measured {
  readonly size: number;
  readonly elapsedMs: number;
  readonly cpuMs: number;
  readonly peakBytes: number;
  /** Counted by who answered them. */
  readonly requests: number;
}

/** A number of things that grows, and commands that meet them. */
interface Shape {
  readonly name: string;
  /** What grows, in words. */
  readonly grows: string;
  readonly sizes: readonly number[];
  readonly worldOf: (size: number) => WorldSize;
  readonly commands: (place: Place) => Readonly<Record<string, readonly string[]>>;
}

interface Place {
  readonly host: string;
  readonly folder: string;
  readonly repositories: number;
}

/** Options of {@link benchScale}. */
interface BenchScaleOptions {
  /** Sizes above it are left out. @defaultValue each shape's own largest */
  readonly most?: number | undefined;
  /** Shapes to measure. @defaultValue all */
  readonly only: string;
  readonly write: boolean;
}

const shapes: readonly Shape[] = [
  {
    name: "tags",
    grows: "tags of one repository, each an image of its own",
    sizes: [100, 1000, 10_000, 100_000],
    worldOf: (size) => ({ repositories: 1, tags: size, layers: 1 }),
    commands: (place) => ({ ...bundleCommands(place), ...layoutCommands(place) }),
  },
  {
    name: "blobs",
    grows: "layers, a hundred in each image of one repository",
    sizes: [100, 1000, 10_000, 100_000],
    worldOf: (size) => ({ repositories: 1, tags: size / 100, layers: 100 }),
    commands: bundleCommands,
  },
  {
    name: "repositories",
    grows: "repositories of one image each, and as many archives",
    sizes: [10, 100, 1000],
    worldOf: (size) => ({ repositories: size, tags: 1, layers: 1 }),
    commands: bundleCommands,
  },
];

/** What leads from a source through a bundle to a target, and what looks at the bundle. */
function bundleCommands({ host, folder, repositories }: Place): Readonly<Record<string, readonly string[]>> {
  const names = Array.from({ length: repositories }, (_, at) => ["--image", `${host}/bench/app-${at}@*`]);
  const images = [...names.flat(), "--image-path", "strip"];
  const [plan, bundle] = [join(folder, "plan.json"), join(folder, "bundle")];
  return {
    plan: ["plan", ...images, "-o", plan],
    "plan --diff": ["plan", ...images, "--diff", plan],
    "pull --plan": ["pull", bundle, "--plan", plan],
    "pull again": ["pull", bundle, "--plan", plan],
    verify: ["verify", bundle],
    "verify --plan": ["verify", `registry:${host}`, "--plan", plan],
    inspect: ["inspect", bundle],
    push: ["push", bundle, `${host}/mirror`],
    "push again": ["push", bundle, `${host}/mirror`],
  };
}

/** What writes an image layout with all of it, and reads one. */
function layoutCommands({ folder }: Place): Readonly<Record<string, readonly string[]>> {
  const [bundle, layouts] = [join(folder, "bundle"), `oci:${join(folder, "layouts")}`];
  return { "push oci:": ["push", bundle, layouts], "inspect oci:": ["inspect", layouts] };
}

/**
 * What commands cost against the number of tags, blobs, repositories, and clients of a server: processor time, peak memory
 * and requests, with the exponent of the growth. The source is a process of its own that makes what it is asked for.
 */
export async function benchScale({
  most = Number.POSITIVE_INFINITY,
  only,
  write,
}: BenchScaleOptions): Promise<Findings> {
  const wanted = only === "" ? undefined : only.split("|");
  const sections: Section[] = [];
  for (const shape of shapes) {
    if (wanted && !wanted.includes(shape.name)) continue;
    sections.push(describe(shape, await measureShape({ ...shape, sizes: shape.sizes.filter((size) => size <= most) })));
  }
  if (!wanted || wanted.includes("clients")) sections.push(await benchClients(most));
  if (write) for (const section of sections) writeSection(section);
  return {
    text: sections.map(({ text }) => text).join("\n\n"),
    faults: sections.flatMap(({ faults }) => faults),
  };
}

async function measureShape({
  name,
  sizes,
  worldOf,
  commands,
}: Shape): Promise<ReadonlyMap<string, readonly Measured[]>> {
  const found = new Map<string, Measured[]>();
  for (const size of sizes) {
    const world = worldOf(size);
    await using source = await SourceProcess.start(world);
    const folder = mkdtempSync(join(tmpdir(), "tranship-scale-"));
    try {
      const place = { host: source.host, folder, repositories: world.repositories };
      for (const [command, args] of Object.entries(commands(place))) {
        await source.requests();
        const { elapsedMs, cpuMs, peakRssBytes } = await measureWithoutRequests(...args);
        const requests = await source.requests();
        const measured = { size, elapsedMs, cpuMs, peakBytes: peakRssBytes, requests };
        found.set(command, [...(found.get(command) ?? []), measured]);
        console.error(
          `${name} ${size}: ${command}, ${(cpuMs / 1000).toFixed(1)} s, ${Math.round(peakRssBytes / mib)} MiB`,
        );
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return found;
}

function describe({ name, grows }: Shape, found: ReadonlyMap<string, readonly Measured[]>): Section {
  const cpu = new Map(
    Array.from(found, ([command, all]) => [command, all.map(({ size, cpuMs }) => ({ size, cost: cpuMs }))]),
  );
  const sizes = [...new Set([...found.values()].flatMap((all) => all.map(({ size }) => size)))];
  const faults = [...found].flatMap(([command, all]) => {
    const step = largestStep(cpu.get(command) ?? []);
    const peak = Math.max(...all.map(({ peakBytes }) => peakBytes));
    return [
      ...(step > maxStep ? [`${name}: ten times as many cost ${command} ${step.toFixed(1)} times as much`] : []),
      ...(peak > maxPeakBytes ? [`${name}: ${command} takes ${Math.round(peak / mib)} MiB`] : []),
    ];
  });
  const rows = [...found].map(([command, all]) => {
    const points = cpu.get(command) ?? [];
    const last = all.at(-1);
    const cells = [
      `\`${command}\``,
      ...all.map(({ cpuMs, elapsedMs }) => `${seconds(cpuMs)} (${seconds(elapsedMs)})`),
      all.map(({ peakBytes }) => Math.round(peakBytes / mib)).join(" · "),
      last ? (last.requests / last.size).toFixed(last.requests === 0 ? 0 : 2) : "",
      fittedExponent(points)?.toFixed(2) ?? "–",
      largestStep(points).toFixed(1),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const heads = sizes.map((size) => size.toLocaleString("en-GB"));
  const text = [
    `## ${name[0]?.toUpperCase()}${name.slice(1)}`,
    "",
    `What grows: ${grows}. ${measuredOn()} Processor time, and in brackets what a clock on the wall said, which on a machine with other work says little; peak memory is VmHWM at each size. Limits: ${maxStep} for the largest step, ${maxPeakBytes / mib} MiB.`,
    "",
    `| command | ${heads.join(" | ")} | peak memory, MiB | requests for each at the largest | exponent | largest step for ten times as many |`,
    `|---|${sizes.map(() => "---|").join("")}---|---|---|---|`,
    ...rows,
    "",
    `![Processor time](images/scale-${name}-cpu.svg) ![Peak memory](images/scale-${name}-memory.svg)`,
  ].join("\n");
  const lines = (cost: (one: Measured) => number) =>
    Array.from(found, ([command, all]) => ({
      name: command,
      points: all.map((one) => ({ size: one.size, cost: cost(one) })),
    }));
  const plots = {
    [`scale-${name}-cpu`]: logLogPlot(
      lines(({ cpuMs }) => cpuMs / 1000),
      { title: `Processor time, ${name}`, size: name, cost: "seconds" },
    ),
    [`scale-${name}-memory`]: logLogPlot(
      lines(({ peakBytes }) => peakBytes / mib),
      { title: `Peak memory, ${name}`, size: name, cost: "MiB" },
    ),
  };
  return { name, text, faults, plots };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 9950 ? 1 : 0)} s`;
}

/** Puts a section in its place on the page, and its plots beside the others. */
function writeSection({ name, text, plots }: Section): void {
  const images = fileURLToPath(new URL("../../../docs/images/", import.meta.url));
  mkdirSync(images, { recursive: true });
  for (const [file, plot] of Object.entries(plots)) writeFileSync(join(images, `${file}.svg`), plot);
  replaceSection(fileURLToPath(new URL("../../../docs/scale.md", import.meta.url)), name, text);
}
