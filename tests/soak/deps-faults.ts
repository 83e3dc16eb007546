import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DepsAccess, type DepsErrorCode, isDepsError, ManifestDeps, verifyItems } from "@tranship/core/deps";
import { createFileClient, createRegistry, digestOf } from "@tranship/registry";
import {
  type Fault,
  type FileServer,
  faults,
  startFileServer,
  startTestRegistry,
  type TestRegistry,
} from "@tranship/registry/testing";
import { seededRandom } from "../support/random.ts";
import { type DepsContent, depsContent } from "./deps-content.ts";

/** Options of {@link depsFaults}. */
export interface DepsFaultsOptions {
  readonly runs: number;
  readonly seed: number;
  readonly log?: ((line: string) => void) | undefined;
}

/** What came of it. */
export interface DepsFaultsReport {
  readonly runs: number;
  /** Requests that were made to go wrong. */
  readonly injected: number;
  /** Runs that were complete in spite of it. */
  readonly complete: number;
  /** The others, by the code of their failure; all of them were complete when they were run again. */
  readonly failed: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

/** A fault, and what a download may fail with because of it. */
interface Kind {
  readonly name: string;
  readonly make: (random: () => number) => Fault;
  readonly codes: readonly DepsErrorCode[];
}

const at = (random: () => number) => Math.floor(random() * 150_000);
const busy = (status: number) => (random: () => number) =>
  faults.status(status, { headers: random() < 0.5 ? { "retry-after": random() < 0.5 ? "0" : "1" } : {} });

const kinds: readonly Kind[] = [
  { name: "reset", make: () => faults.reset(), codes: ["TRANSFER_FAILED"] },
  { name: "cut", make: (random) => faults.cutAfter(at(random)), codes: ["TRANSFER_FAILED"] },
  { name: "stall", make: (random) => faults.stall({ afterBytes: at(random) }), codes: ["TRANSFER_FAILED"] },
  { name: "429", make: busy(429), codes: ["HTTP_STATUS"] },
  { name: "503", make: busy(503), codes: ["HTTP_STATUS"] },
  { name: "html 502", make: () => faults.htmlError(502), codes: ["HTTP_STATUS"] },
  {
    name: "truncation",
    make: (random) => faults.truncate(at(random)),
    codes: ["SIZE_MISMATCH", "DIGEST_MISMATCH", "TRANSFER_FAILED"],
  },
  {
    name: "corruption",
    make: (random) => faults.corrupt({ at: at(random) }),
    codes: ["DIGEST_MISMATCH", "TRANSFER_FAILED"],
  },
  {
    name: "padding",
    make: (random) => faults.pad(1 + at(random)),
    codes: ["SIZE_MISMATCH", "DIGEST_MISMATCH", "TRANSFER_FAILED"],
  },
  { name: "lying range", make: () => faults.lyingRange(), codes: ["TRANSFER_FAILED", "DIGEST_MISMATCH"] },
  { name: "untold length", make: () => faults.unsized(), codes: [] },
];

/** So many downloads at once, for most of their time is waiting. */
const lanes = 8;

/**
 * Fills a new cache in each run while servers do wrong: the download is complete, or says what went wrong and is complete
 * when it is run again; and no byte in the cache is another than was published.
 */
export async function depsFaults({ runs, seed, log }: DepsFaultsOptions): Promise<DepsFaultsReport> {
  const failed: Record<string, number> = {};
  const found: string[] = [];
  let [next, injected, complete] = [0, 0, 0];
  const lane = async () => {
    await using server = await startFileServer();
    await using registry = await startTestRegistry();
    while (next < runs) {
      const own = seed + next;
      next += 1;
      const run = await oneRun(own, server, registry);
      injected += run.injected;
      if (run.code === undefined) complete += 1;
      else failed[run.code] = (failed[run.code] ?? 0) + 1;
      found.push(...run.faults.map((fault) => `seed ${own}: ${fault}`));
      log?.(
        `seed ${own}: ${run.names.join(", ")}: ${run.code ?? "complete"}${run.faults.length > 0 ? ", not good" : ""}`,
      );
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return { runs, injected, complete, failed, faults: found };
}

async function oneRun(seed: number, server: FileServer, registry: TestRegistry) {
  const random = seededRandom(seed);
  const content = depsContent({ seed, files: 12, images: 4, charts: 2, seeds: 0, maxFileBytes: 400_000 }, 1);
  const value = publish(content, server, registry);
  const folder = mkdtempSync(join(tmpdir(), "tranship-deps-faults-"));
  const faultsFound: string[] = [];
  const chosen = Array.from(
    { length: 1 + Math.floor(random() * 8) },
    () => kinds[Math.floor(random() * kinds.length)] as Kind,
  );
  let injected = 0;
  server.reset();
  registry.reset();
  for (const kind of chosen) {
    const times = 1 + Math.floor(random() ** 2 * 8);
    const fault = kind.make(random);
    const share = 0.1 + random();
    const counted = countedFault(fault, () => {
      injected += 1;
    });
    (random() < 0.6 ? server : registry).fail(counted, { times, match: () => random() < share });
  }
  const files = createFileClient({ idleTimeoutMs: 300 });
  const client = createRegistry(registry.host, { idleTimeoutMs: 300 });
  try {
    const access: DepsAccess = { files, registry: () => client };
    const source = { value, digest: digestOf(Buffer.from(JSON.stringify(value))) };
    const deps = new ManifestDeps({ cacheDir: join(folder, "cache"), access, source });
    const isWhole = async () => {
      await using cache = await deps.open();
      const report = await verifyItems(deps.itemsIn(cache), cache, { isDeep: true });
      const left = await readdir(join(cache.workFolder, "partial"));
      return { whole: report.isWhole, left };
    };
    const code = await deps.download().then(
      () => undefined,
      (error: unknown) => (isDepsError(error) ? error.code : `${error}`),
    );
    const allowed = chosen.flatMap(({ codes }) => codes);
    if (code !== undefined && !allowed.includes(code as DepsErrorCode)) faultsFound.push(`failed with ${code}`);
    server.reset();
    registry.reset();
    if (code !== undefined) await deps.download();
    const { whole, left } = await isWhole();
    if (!whole) faultsFound.push("is not whole");
    faultsFound.push(...left.map((name) => `left over: ${name}`));
    for (const { name, blob } of content.files)
      if (!readFileSync(join(folder, "cache", "files", name)).equals(blob.bytes)) faultsFound.push(`${name} differs`);
    const before = server.requests().length + registry.requests().length;
    await deps.download({ offline: true });
    if (server.requests().length + registry.requests().length !== before) faultsFound.push("asks for what is there");
    return { code, injected, names: chosen.map(({ name }) => name), faults: faultsFound };
  } finally {
    await files[Symbol.asyncDispose]();
    await client[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A fault that tells each time it happens. */
function countedFault(fault: Fault, onHit: () => void): Fault {
  return {
    begin() {
      const happen = fault.begin();
      return (request) => {
        const interception = happen(request);
        if (interception !== undefined) onHit();
        return interception;
      };
    },
  };
}

/** Puts everything where it is fetched from, and gives the manifest. */
function publish({ files, images, charts }: DepsContent, server: FileServer, registry: TestRegistry): object {
  for (const { name, image } of [...images, ...charts]) registry.seed(`soak/${name}`, image);
  const place = (name: string, digest: string) => `${registry.host}/soak/${name}:v1@${digest}`;
  const items = [
    ...files.map(({ name, blob: { bytes, digest, size } }) => ({
      id: name,
      url: server.put(`/${name}`, bytes),
      digest,
      size,
      to: name,
    })),
    ...images.map(({ name, image }) => ({ id: name, image: place(name, image.manifest.descriptor.digest) })),
    ...charts.map(({ name, image }) => ({ id: name, chart: `oci://${place(name, image.manifest.descriptor.digest)}` })),
  ];
  return { tranship: "deps/v1", name: "soak", version: "1", items };
}
