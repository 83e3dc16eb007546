import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { transhipMain } from "../support/run-tranship.ts";
import { type EndedRun, runToEnd } from "../support/start-tranship.ts";
import { DepsSourceProcess } from "./deps-source-process.ts";

const mib = 1024 * 1024;

/** No run may hold more memory, in bytes. */
const maxRssBytes = 400 * mib;

/** Options of {@link depsSizes}. */
export interface DepsSizesOptions {
  /** The length of the one large file. */
  readonly fileBytes: number;
  /** The items of the one long manifest. */
  readonly items: number;
  readonly log: (line: string) => void;
}

/** What came of it. */
export interface DepsSizesReport {
  /** Peak memory of each run, in bytes. */
  readonly peakRssBytes: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

/** Fetches what is large and what is many, each by a process of its own, and with few file descriptors. */
export async function depsSizes({ fileBytes, items, log }: DepsSizesOptions): Promise<DepsSizesReport> {
  const home = mkdtempSync(join(tmpdir(), "tranship-deps-sizes-"));
  const peakRssBytes: Record<string, number> = {};
  const faults: string[] = [];
  const run = async (name: string, expected: number, ...args: readonly string[]): Promise<EndedRun> => {
    const usageFile = join(home, "usage.json");
    const startedMs = performance.now();
    const ended = await runToEnd(["deps", ...args, "--json"], { usageFile });
    const { peakRssBytes: peak } = JSON.parse(readFileSync(usageFile, "utf8")) as { readonly peakRssBytes: number };
    log(`${name}: code ${ended.code}, ${Math.round(peak / mib)} MiB, ${Math.round(performance.now() - startedMs)} ms`);
    if (ended.code !== expected) faults.push(`${name}: ended with ${ended.code}: ${ended.stdout.slice(-500)}`);
    if (peak > maxRssBytes) faults.push(`${name}: ${Math.round(peak / mib)} MiB of memory`);
    peakRssBytes[name] = peak;
    return ended;
  };
  const block = Buffer.alloc(mib, createHash("sha512").update("block").digest());
  const server = serveBlocks(block, fileBytes, 64 * mib);
  try {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const of = (name: string) => ["--manifest", join(home, `${name}.json`), "--cache", join(home, name)];
    const write = (name: string, rows: readonly object[], more = "") =>
      writeFileSync(
        join(home, `${name}.json`),
        JSON.stringify({ tranship: "deps/v1", name, version: `1${more}`, items: rows }),
      );

    write("large", [
      { id: "large", url: `${origin}/large`, digest: digestOfBlocks(block, fileBytes), size: fileBytes },
    ]);
    await run("one large file", 0, "download", ...of("large"));
    await run("one large file, read again", 0, "verify", "--deep", ...of("large"));
    rmSync(join(home, "large"), { recursive: true, force: true });

    write(
      "many",
      Array.from({ length: items }, (_, at) => ({ id: `item-${at}`, inline: `${at}\n` })),
    );
    await run("very many items, planned", 0, "plan", ...of("many"));
    await run("very many items, written", 0, "download", "--offline", ...of("many"));
    await run("very many items, there", 0, "download", "--offline", ...of("many"));

    write("long", [{ id: "a", inline: "a" }], " ".repeat(64 * mib));
    await run("a manifest of 64 MiB", 2, "plan", ...of("long"));
    for (const path of ["told", "untold"])
      await run(
        `a manifest of 64 MiB that is fetched, its length ${path}`,
        1,
        "download",
        "--base-url",
        `${origin}/${path}`,
        "--cache",
        join(home, path),
      );
    faults.push(...(await fewDescriptors(home, log)));
  } finally {
    server.close();
    server.closeAllConnections();
    rmSync(home, { recursive: true, force: true });
  }
  return { peakRssBytes, faults };
}

/** Two hundred items with as many open files as some systems allow. */
async function fewDescriptors(home: string, log: (line: string) => void): Promise<readonly string[]> {
  const world = {
    seed: 1,
    files: 140,
    images: 48,
    charts: 8,
    seeds: 6,
    localCharts: 4,
    maxFileBytes: 100_000,
    gitBytes: 1000,
  };
  await using source = await DepsSourceProcess.start({ ...world, folder: join(home, "local") });
  await source.publish(1);
  const faults: string[] = [];
  for (const concurrency of ["4", "64"]) {
    const args = [
      "deps",
      "download",
      "--base-url",
      source.baseUrl,
      "--arch",
      "amd64",
      "--cache",
      join(home, concurrency, "deps"),
    ];
    const words = [process.execPath, transhipMain, ...args, "--concurrency", concurrency, "--json"];
    const limited = spawnSync("sh", ["-c", 'ulimit -n 128; exec "$@"', "sh", ...words], { encoding: "utf8" });
    log(`128 descriptors, --concurrency ${concurrency}: code ${limited.status}`);
    if (limited.status !== 0)
      faults.push(
        `with 128 descriptors and --concurrency ${concurrency}: ended with ${limited.status}: ${limited.stdout.slice(-600)}`,
      );
  }
  return faults;
}

/** One file of so many bytes, and folders of manifests that are too long. */
function serveBlocks(block: Uint8Array, fileBytes: number, manifestBytes: number): Server {
  return createServer((request, response) => {
    const isFile = request.url === "/large";
    const bytes = isFile ? fileBytes : manifestBytes;
    if (isFile || request.url?.startsWith("/told")) response.setHeader("content-length", bytes);
    const send = (sent: number) => {
      if (sent >= bytes) return response.end();
      const length = Math.min(block.byteLength, bytes - sent);
      return response.write(block.subarray(0, length), () => {
        if (!response.destroyed) send(sent + length);
      });
    };
    send(0);
  });
}

function digestOfBlocks(block: Uint8Array, bytes: number): string {
  const hash = createHash("sha256");
  for (let at = 0; at < bytes; at += block.byteLength)
    hash.update(block.subarray(0, Math.min(block.byteLength, bytes - at)));
  return `sha256:${hash.digest("hex")}`;
}
