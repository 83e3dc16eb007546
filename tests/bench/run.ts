import { execFileSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { lacking } from "../support/tools.ts";
import { type BigPackage, pushBigPackage } from "./big-package.ts";
import { benchCatalog, type Findings } from "./catalog.ts";
import { benchDeps } from "./deps.ts";
import { maxRssBytes, measureTranship, median, mib, timeProgram, type Usage } from "./measure.ts";
import { benchMixed } from "./mixed.ts";
import { benchPeers } from "./peers/bench-peers.ts";
import { benchRootfs } from "./rootfs.ts";
import { benchScale } from "./scale/bench-scale.ts";

interface Rounds {
  readonly tranship: readonly (Usage & { readonly elapsedMs: number; readonly bundleBytes: number })[];
  readonly peers: ReadonlyMap<string, readonly number[]>;
}

/**
 * Measures whole commands. `layer` (what it does unless told) pulls one package with one very large layer out of Debian's
 * docker-registry, in turns with other programs that fetch the same bytes; `catalog` plans and pulls very many small
 * images; `mixed` pulls packages and modules with all they lead to, from sources of different sizes; `rootfs`
 * unpacks an image of very many files, in turns with other programs; `deps` looks through a full cache of dependencies; `peers` pulls, pushes and
 * copies a corpus in turns with other programs: `all` its cases, or those that are named; `scale` grows the number of tags, blobs, repositories and clients. Memory, written bytes and idleness have limits; of time only ratios are told.
 *
 *     npx -y pnpm@10 bench [layer] [--big-bytes 2147483648] [--rounds 3] [--write]
 *     npx -y pnpm@10 bench catalog [--packages 200] [--versions 5] [--delay-ms 10] [--write]
 *     npx -y pnpm@10 bench mixed [--write]
 *     npx -y pnpm@10 bench rootfs [--rounds 5] [--write]
 *     npx -y pnpm@10 bench deps [--rounds 5] [--write]
 *     npx -y pnpm@10 bench scale [--only 'tags|blobs|repositories|clients'] [--most 100000] [--write]
 *     npx -y pnpm@10 bench peers [all | pull-A push-A …] [--rounds 5] [--scale 1] [--only 'tranship|curl'] [--write]
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      "big-bytes": { type: "string", default: String(2048 * mib) },
      rounds: { type: "string" },
      packages: { type: "string", default: "200" },
      versions: { type: "string", default: "5" },
      "delay-ms": { type: "string", default: "10" },
      corpus: { type: "string", default: "A" },
      scale: { type: "string", default: "1" },
      only: { type: "string", default: "" },
      most: { type: "string" },
      write: { type: "boolean", default: false },
    },
  });
  const [name = "layer", ...cases] = positionals;
  const rounds = (usual: number) => Number(values.rounds ?? usual);
  const size = { packages: Number(values.packages), versions: Number(values.versions) };
  const benches: Readonly<Record<string, () => Promise<Findings>>> = {
    layer: () => benchLayer(Number(values["big-bytes"]), rounds(3)),
    catalog: () => benchCatalog(size, Number(values["delay-ms"])),
    mixed: benchMixed,
    rootfs: () => benchRootfs(rounds(5)),
    deps: () => benchDeps(rounds(5)),
    scale: () => benchScale({ ...values, most: values.most === undefined ? undefined : Number(values.most) }),
    peers: () => benchPeers({ ...values, cases, rounds: rounds(5), scale: Number(values.scale) }),
  };
  const bench = benches[name];
  if (!bench) throw new Error(`there is no bench called ${name}, only ${Object.keys(benches).join(", ")}`);
  const { text, faults } = await bench();
  console.log(text);
  if (values.write && name !== "peers" && name !== "scale")
    appendFileSync(fileURLToPath(new URL("../../docs/benchmarks.md", import.meta.url)), `\n${text}\n`);
  for (const fault of faults) console.error(`over the limit: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}

async function benchLayer(bytes: number, rounds: number): Promise<Findings> {
  const missing = lacking("docker-registry", "skopeo", "curl", "sync");
  if (missing.length > 0) throw new Error(`this needs ${missing.join(", ")}`);
  await using registry = await startDockerRegistry();
  const place = `${registry.host}/bench`;
  console.error(`pushing ${bytes / mib} MiB to ${place}`);
  const big = await pushBigPackage(place, bytes);
  const folder = mkdtempSync(join(tmpdir(), "tranship-bench-"));
  try {
    return describe(bytes, await runRounds(folder, place, big, rounds));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Everybody once a round, so that a slow spell of the machine hits all; each starts with nothing left to write. */
async function runRounds(folder: string, place: string, big: BigPackage, count: number): Promise<Rounds> {
  const [host, path] = place.split("/");
  const url = `http://${host}/v2/${path}/packages/${big.name}/blobs/${big.layer.digest}`;
  const image = `docker://${place}/packages/${big.name}:${big.version}`;
  const out = join(folder, "out");
  const peers: Readonly<Record<string, () => Promise<number>>> = {
    "skopeo copy": () => timeProgram("skopeo", ["copy", "-q", "--src-tls-verify=false", image, `oci:${out}:v1`]),
    curl: () => timeProgram("curl", ["-sSf", "-o", out, url]),
    "curl, then sync": async () =>
      (await timeProgram("curl", ["-sSf", "-o", out, url])) + (await timeProgram("sync", ["-d", out])),
  };
  const tranship = [];
  const times = new Map<string, number[]>(Object.keys(peers).map((name) => [name, []]));
  for (let round = 0; round < count; round += 1) {
    execFileSync("sync");
    const args = ["pull", out, "--source", place, "--include-package", `${big.name}@=${big.version}`];
    const run = await measureTranship(...args);
    const bundleBytes = bytesIn(out);
    tranship.push({ ...run, bundleBytes });
    console.error(`round ${round + 1}: tranship ${seconds(run.elapsedMs)}, ${Math.round(run.peakRssBytes / mib)} MiB`);
    rmSync(out, { recursive: true, force: true });
    for (const [name, start] of Object.entries(peers)) {
      execFileSync("sync");
      const elapsedMs = await start();
      times.get(name)?.push(elapsedMs);
      console.error(`round ${round + 1}: ${name} ${seconds(elapsedMs)}`);
      rmSync(out, { recursive: true, force: true });
    }
  }
  return { tranship, peers: times };
}

function describe(bytes: number, { tranship, peers }: Rounds): Findings {
  const ours = median(tranship.map(({ elapsedMs }) => elapsedMs));
  const rss = Math.max(...tranship.map(({ peakRssBytes }) => peakRssBytes));
  const written = Math.max(...tranship.map(({ writtenBytes, bundleBytes }) => writtenBytes / bundleBytes));
  const writtenFault = tranship.find(({ writtenBytes, bundleBytes }) => writtenBytes > bundleBytes * 1.02 + mib);
  const faults = [
    ...(rss > maxRssBytes ? [`peak memory is ${Math.round(rss / mib)} MiB of ${maxRssBytes / mib}`] : []),
    ...(writtenFault ? [`${writtenFault.writtenBytes} bytes written for a bundle of ${writtenFault.bundleBytes}`] : []),
  ];
  const rows = [...peers].map(
    ([name, times]) => `| time, against \`${name}\` | ${(ours / median(times)).toFixed(2)}× | |`,
  );
  const date = new Date().toISOString().slice(0, 10);
  const text = [
    `### ${date}: one layer of ${Math.round(bytes / mib)} MiB, ${tranship.length} rounds`,
    "",
    `\`npx -y pnpm@10 bench --big-bytes ${bytes} --rounds ${tranship.length}\`, Node ${process.version}, ${cpus().length} cores, docker-registry on the same machine.`,
    "",
    "| pull of one package by the command line | measured | limit |",
    "|---|---|---|",
    `| peak memory (VmHWM, highest) | ${Math.round(rss / mib)} MiB | ${maxRssBytes / mib} MiB |`,
    `| bytes written (kernel's write_bytes, highest) | ${written.toFixed(4)} × bundle | 1.02 × bundle + 1 MiB |`,
    `| processor time (median) | ${(median(tranship.map(({ cpuMs }) => cpuMs)) / ours).toFixed(2)} × wall time | |`,
    ...rows,
  ].join("\n");
  return { text, faults };
}

function bytesIn(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
}

function seconds(elapsedMs: number): string {
  return `${(elapsedMs / 1000).toFixed(2)} s`;
}

await main();
