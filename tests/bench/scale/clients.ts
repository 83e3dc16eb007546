import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { measureTranship, mib } from "../measure.ts";
import { askTogether, type CrowdReport } from "./crowd.ts";
import { measuredOn } from "./measured-on.ts";
import { logLogPlot } from "./plot.ts";
import type { Section } from "./section.ts";
import { type ProcessState, ServedBundle } from "./served-bundle.ts";
import { SourceProcess } from "./source-process.ts";
import { digestOf, World, type WorldSize } from "./world.ts";

const sizes: readonly number[] = [1, 4, 16, 64, 256, 1024];

/** Requests of all clients together, for every number of them. */
const requests = 4096;

/** So long after the last answer, its sockets are closed, in milliseconds. */
const settleMs = 500;

/** Times the largest crowd comes again, to see what stays behind. */
const rounds = 10;

/** A client may cost so much memory, in bytes. */
const maxClientBytes = 1024 * 1024;

/** What may stay behind between the second round and the last, in bytes. */
const maxGrowthBytes = 32 * mib;

const world: WorldSize = { repositories: 1, tags: 64, layers: 1, layerBytes: 256 * 1024 };

interface Row extends CrowdReport {
  readonly clients: number;
  readonly cpuMs: number;
  readonly peakBytes: number;
  readonly openFiles: number;
}

/**
 * What a served bundle costs against the number of clients that ask at once, each over its own connection: the same blob, or
 * different ones in turn. Then the largest crowd comes again and again.
 */
export async function benchClients(most: number): Promise<Section> {
  const folder = mkdtempSync(join(tmpdir(), "tranship-scale-"));
  try {
    await using source = await SourceProcess.start(world);
    const bundle = join(folder, "bundle");
    await measureTranship("pull", bundle, "--image", `${source.host}/bench/app-0@*`, "--image-path", "strip");
    const different = await measureCrowds(bundle, most, false);
    const same = await measureCrowds(bundle, most, true);
    return describe(different, same, await measureRounds(bundle, Math.min(most, 256)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A server of its own for every number: its peak is of that number alone. */
async function measureCrowds(bundle: string, most: number, isSame: boolean): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const clients of sizes.filter((size) => size <= most)) {
    await using server = await ServedBundle.start(bundle);
    await askTogether(server.host, 1, () => pathsOf(0, 64, isSame)); // what it learns once is learnt
    const before = server.state();
    let busy: ProcessState = before;
    const pathsOfClient = (client: number) => pathsOf(client, requests / clients, isSame);
    const report = await askTogether(server.host, clients, pathsOfClient, () => {
      busy = server.state();
    });
    await sleep(settleMs);
    const after = server.state();
    const cpuMs = after.cpuMs - before.cpuMs;
    rows.push({ ...report, clients, cpuMs, peakBytes: after.peakBytes, openFiles: busy.openFiles - before.openFiles });
    console.error(`clients ${clients}: ${Math.round(cpuMs)} ms, ${Math.round(after.peakBytes / mib)} MiB`);
  }
  return rows;
}

async function measureRounds(bundle: string, clients: number): Promise<readonly ProcessState[]> {
  await using server = await ServedBundle.start(bundle);
  const states: ProcessState[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await askTogether(server.host, clients, (client) => pathsOf(client, requests / clients, false));
    await sleep(settleMs);
    states.push(server.state());
  }
  return states;
}

const layers = new World(world);

function pathsOf(client: number, count: number, isSame: boolean): readonly string[] {
  return Array.from({ length: count }, (_, at) => {
    const image = isSame ? 0 : (client + at) % world.tags;
    const [layer] = (JSON.parse(layers.manifest(image).toString()) as { layers: readonly { digest: string }[] }).layers;
    return `/v2/bench/app-0/blobs/${layer?.digest ?? digestOf(Buffer.of())}`;
  });
}

function describe(different: readonly Row[], same: readonly Row[], states: readonly ProcessState[]): Section {
  const [one, last] = [different[0], different.at(-1)];
  const clientBytes = one && last ? (last.peakBytes - one.peakBytes) / Math.max(1, last.clients - one.clients) : 0;
  const [second, end] = [states[1], states.at(-1)];
  const grown = (end?.residentBytes ?? 0) - (second?.residentBytes ?? 0);
  const left = (end?.openFiles ?? 0) - (second?.openFiles ?? 0);
  const faults = [
    ...(clientBytes > maxClientBytes
      ? [`clients: each takes ${Math.round(clientBytes / 1024)} KiB of the server`]
      : []),
    ...(grown > maxGrowthBytes
      ? [`clients: the server has grown by ${Math.round(grown / mib)} MiB in ${rounds} rounds`]
      : []),
    ...(left > 8 ? [`clients: ${left} more files are open after ${rounds} rounds`] : []),
  ];
  const rowOf = (what: string, rows: readonly Row[]) =>
    rows.map((row) => {
      const cells = [
        row.clients,
        what,
        `${(row.cpuMs / requests).toFixed(2)} ms`,
        `${Math.round(row.peakBytes / mib)} MiB`,
        row.openFiles,
        `${Math.round((100 * row.firstDoneMs) / row.lastDoneMs)}%`,
      ];
      return `| ${cells.join(" | ")} |`;
    });
  const text = [
    "## Clients of `serve`",
    "",
    `What grows: clients that ask \`tranship serve\` at the same time, each over a connection of its own, for ${requests} layers of ${(world.layerBytes ?? 0) / 1024} KiB altogether. ${measuredOn()} The clients are on the same machine and take their part of it.`,
    "",
    "| clients | blobs | processor time of a request | peak memory | open files and sockets more | first client done, of the last one's time |",
    "|---|---|---|---|---|---|",
    ...rowOf("different", different),
    ...rowOf("the same", same),
    "",
    `A client more takes ${Math.round(clientBytes / 1024)} KiB (limit: ${maxClientBytes / 1024} KiB). After rounds of the same crowd one after another, the server holds ${states.map(({ residentBytes }) => Math.round(residentBytes / mib)).join(", ")} MiB and has ${states.map(({ openFiles }) => openFiles).join(", ")} files open.`,
    "",
    "![Peak memory](images/scale-clients-memory.svg)",
  ].join("\n");
  const lineOf = (name: string, rows: readonly Row[]) => ({
    name,
    points: rows.map(({ clients, peakBytes }) => ({ size: clients, cost: peakBytes / mib })),
  });
  const lines = [lineOf("different blobs", different), lineOf("the same blob", same)];
  const labels = { title: "Peak memory of serve", size: "clients", cost: "MiB" };
  return { name: "clients", text, faults, plots: { "scale-clients-memory": logLogPlot(lines, labels) } };
}
