import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { BundleDirectory, PackagesService, pull } from "@tranship/core";
import { type Digest, MemoryRegistry } from "@tranship/registry";
import { aLayer, anImage, seedMemory } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { seedProduct, smallProduct } from "../support/product.ts";
import { startServe } from "../support/start-serve.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { lacking } from "../support/tools.ts";

const run = promisify(execFile);
const mebi = 1024 * 1024;
const clients = 50;
const big = { path: "packages/big", tag: "v1.0.0", layer: aLayer({ size: 16 * mebi, seed: "big", gzip: false }) };

/** A bundle of some five hundred chunks, and the digests of its small images. */
async function aChunkedBundle(folder: string): Promise<ReadonlyMap<string, Digest | undefined>> {
  const source = new MemoryRegistry({ name: "registry.example.com/fe" });
  await seedProduct(source, smallProduct);
  const files = { "version.json": JSON.stringify({ version: big.tag }) };
  seedMemory(source, "packages", [anImage({ tag: "big" })]);
  seedMemory(source, big.path, [anImage({ tag: big.tag, layers: [big.layer] })]);
  seedMemory(source, `${big.path}/version`, [anImage({ tags: [big.tag, "stable"], files })]);
  await using bundle = await BundleDirectory.open(folder, { chunkBytes: 37_000 });
  await pull([new PackagesService({ source })], { to: bundle });
  const digests = new Map<string, Digest | undefined>();
  for (const { name, channels } of smallProduct) {
    for (const tag of new Set(Object.values(channels))) {
      digests.set(`packages/${name}:${tag}`, (await source.repository(`packages/${name}`).resolve(tag))?.digest);
    }
  }
  return digests;
}

/** How many of its chunks a process has open. */
function openChunks(pid: number): number {
  const files = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return ""; // closed meanwhile
    }
  });
  return files.filter((file) => file.endsWith(".chunk")).length;
}

/** The most memory a process has had, in bytes. */
function peakBytes(pid: number): number {
  return 1024 * Number(/^VmHWM:\s+([0-9]+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

test.skipIf(lacking("skopeo").length > 0)(
  "50 clients at a time, and ranges of large blobs, are served from hundreds of chunks with few files open and little memory",
  { timeout: 120_000 },
  async () => {
    const folder = tempFolder();
    const bundle = join(folder, "bundle");
    const digests = [...(await aChunkedBundle(bundle))];
    expect(readdirSync(bundle).length).toBeGreaterThan(450);
    await using served = await startServe(bundle);

    const seen: number[] = [];
    const copies = Array.from({ length: clients }, async (_, at) => {
      const [reference = "", digest] = digests[at % digests.length] ?? [];
      const to = join(folder, `client-${at}`);
      const from = `docker://${served.host}/${reference}`;
      await run("nice", ["-n", "10", "skopeo", "copy", "--quiet", "--src-tls-verify=false", from, `oci:${to}:x`]);
      seen.push(openChunks(served.pid));
      const index = JSON.parse(readFileSync(join(to, "index.json"), "utf8"));
      expect([reference, index.manifests[0].digest]).toEqual([reference, digest]);
    });
    const blob = `${served.url}/v2/${big.path}/blobs/${big.layer.digest}`;
    const ranges = Array.from({ length: 100 }, async (_, at) => {
      const start = (at * 7_919_333) % (big.layer.size - mebi);
      const end = start + ((at * 104_729) % mebi);
      const answer = await fetch(blob, { headers: { range: `bytes=${start}-${end}` } });
      expect(answer.status).toBe(206);
      const bytes = Buffer.from(await answer.arrayBuffer());
      expect(bytes.equals(big.layer.bytes.subarray(start, end + 1))).toBe(true);
      seen.push(openChunks(served.pid));
    });
    const wholes = Array.from({ length: 16 }, async () => {
      const hash = createHash("sha256");
      for await (const piece of (await fetch(blob)).body ?? []) hash.update(piece);
      expect(`sha256:${hash.digest("hex")}`).toBe(big.layer.digest);
    });
    await Promise.all([...copies, ...ranges, ...wholes]);

    expect(Math.max(...seen)).toBeGreaterThan(0);
    expect(Math.max(...seen)).toBeLessThanOrEqual(16);
    // The large blob once for each who reads it would be 256 MiB more.
    expect(peakBytes(served.pid)).toBeLessThan(320 * mebi);
    expect(await served.stop()).toMatchObject({ code: 0, stderr: "" });
  },
);
