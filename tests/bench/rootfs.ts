import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lacking } from "../support/tools.ts";
import type { Findings } from "./catalog.ts";
import { median, mib } from "./measure.ts";
import { type BenchImage, makeBenchImage } from "./rootfs-image.ts";

/** What a run of a program took. */
interface Run {
  readonly elapsedMs: number;
  readonly cpuMs: number;
  readonly peakRssBytes: number;
}

const program = fileURLToPath(new URL("./rootfs-program.ts", import.meta.url));
const ours = "tranship, directory";
/** What a directory may take, as a multiple of a peer's time. */
const limits = new Map([
  ["umoci unpack", 1 / 3],
  ["tar xzf", 1.3],
]);

/** Unpacks an image of 48,000 names and 404 MB (as tar) in turns with other programs, in memory, as root. */
export async function benchRootfs(rounds: number): Promise<Findings> {
  const missing = lacking("umoci", "tar", "gzip");
  if (missing.length > 0) throw new Error(`this needs ${missing.join(", ")}`);
  if (process.getuid?.() !== 0) throw new Error("this needs root: the others would unpack something else without it");
  const folder = mkdtempSync("/dev/shm/tranship-bench-");
  try {
    console.error(`making an image in ${folder}`);
    const image = await makeBenchImage(folder, { names: 48_000, fileBytes: 370_000_000, layers: 3 });
    const list = join(folder, "layers.json");
    writeFileSync(list, JSON.stringify(image.layers));
    const runs = await runRounds(folder, list, image, rounds);
    return describe(image, runs, await treeBytes(list));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Everybody once a round, so that a slow spell of the machine hits all. */
async function runRounds(
  folder: string,
  list: string,
  { layout, layers }: BenchImage,
  rounds: number,
): Promise<ReadonlyMap<string, readonly Run[]>> {
  const out = join(folder, "out");
  const archives = layers.flatMap(({ pieces }) => pieces.map(({ path }) => path));
  const all: Readonly<Record<string, () => Promise<Run>>> = {
    [ours]: () => measure(process.execPath, [program, list, out]),
    "tranship, tar": () => measure(process.execPath, [program, list, join(folder, "out.tar")]),
    "tar xzf": async () => {
      mkdirSync(out);
      let sum: Run = { elapsedMs: 0, cpuMs: 0, peakRssBytes: 0 };
      for (const archive of archives) sum = added(sum, await measure("tar", ["xzf", archive, "-C", out]));
      return sum;
    },
    "umoci unpack": () => measure("umoci", ["unpack", "--image", `${layout}:bench`, out]),
  };
  const runs = new Map<string, Run[]>(Object.keys(all).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, start] of Object.entries(all)) {
      const run = await start();
      runs.get(name)?.push(run);
      console.error(`round ${round + 1}: ${name} ${seconds(run.elapsedMs)} s, processor ${seconds(run.cpuMs)} s`);
      rmSync(out, { recursive: true, force: true });
      rmSync(join(folder, "out.tar"), { force: true });
    }
  }
  return runs;
}

function added(a: Run, b: Run): Run {
  return {
    elapsedMs: a.elapsedMs + b.elapsedMs,
    cpuMs: a.cpuMs + b.cpuMs,
    peakRssBytes: Math.max(a.peakRssBytes, b.peakRssBytes),
  };
}

/** Runs a program; the kernel's counters for it and what it started are read while it runs, and when it has ended. */
async function measure(command: string, args: readonly string[]): Promise<Run> {
  const startedMs = performance.now();
  const before = childrenCpuMs();
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk) => {
    stderr = (stderr + chunk).slice(-4000);
  });
  let peakRssBytes = 0;
  const look = setInterval(() => {
    peakRssBytes = Math.max(peakRssBytes, peakOf(child.pid));
  }, 20);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  clearInterval(look);
  const elapsedMs = performance.now() - startedMs;
  if (code !== 0) throw new Error(`${command} ended with ${code}: ${stderr}`);
  return { elapsedMs, cpuMs: childrenCpuMs() - before, peakRssBytes };
}

function peakOf(pid: number | undefined): number {
  try {
    return Number(/^VmHWM:\s*([0-9]+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0; // it has just ended
  }
}

/** Of children that have ended, and theirs. @see proc_pid_stat(5), "cutime", "cstime" */
function childrenCpuMs(): number {
  const fields = readFileSync("/proc/self/stat", "latin1")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[13]) + Number(fields[14])) * 10;
}

/** What the merged tree takes in memory, in bytes. */
async function treeBytes(list: string): Promise<number> {
  const printed = execFileSync(process.execPath, ["--expose-gc", program, list, "-"], { encoding: "utf8" });
  return (JSON.parse(printed) as { readonly treeBytes: number }).treeBytes;
}

function describe(image: BenchImage, runs: ReadonlyMap<string, readonly Run[]>, memory: number): Findings {
  const times = (name: string) => (runs.get(name) ?? []).map(({ elapsedMs }) => elapsedMs);
  const mine = median(times(ours));
  const faults: string[] = [];
  const rows = [...runs].map(([name, all]) => {
    const elapsed = times(name);
    const middle = median(elapsed);
    const limit = limits.get(name);
    if (limit !== undefined && mine > middle * limit) {
      faults.push(`a directory takes ${(mine / middle).toFixed(2)} × ${name}, more than ${limit.toFixed(2)}`);
    }
    const range = `${seconds(Math.min(...elapsed))}–${seconds(Math.max(...elapsed))}`;
    const cpu = seconds(median(all.map(({ cpuMs }) => cpuMs)));
    const rss = Math.round(Math.max(...all.map(({ peakRssBytes }) => peakRssBytes)) / mib);
    const most = limit === undefined ? "" : `${limit.toFixed(2)}×`;
    return `| ${name} | ${seconds(middle)} s | ${range} | ${cpu} s | ${rss} MiB | ${(mine / middle).toFixed(2)}× | ${most} |`;
  });
  const stored = image.layers.reduce((sum, { size }) => sum + size, 0);
  const rounds = times(ours).length;
  const text = [
    `### ${new Date().toISOString().slice(0, 10)}: an image of ${image.names} names unpacked, ${rounds} rounds`,
    "",
    `\`npx -y pnpm@10 bench rootfs --rounds ${rounds}\`, Node ${process.version}, ${cpus().length} cores, everything in memory (\`/dev/shm\`), as root: ${image.layers.length} gzip layers of`,
    `${Math.round(stored / 1e6)} MB together, ${Math.round(image.fileBytes / 1e6)} MB in files. Times are of whole programs, their start included. The merged tree takes ${Math.round(memory / image.names)} bytes of memory a name.`,
    "",
    "| program | time (median) | min–max | processor time | peak memory | a directory by tranship, against it | limit |",
    "|---|---|---|---|---|---|---|",
    ...rows,
  ].join("\n");
  return { text, faults };
}

function seconds(milliseconds: number): string {
  return (milliseconds / 1000).toFixed(2);
}
