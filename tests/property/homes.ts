import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LayoutRegistry } from "@tranship/core";
import { createRegistry, MemoryRegistry, type Registry } from "@tranship/registry";
import { type Fault, faults, startTestRegistry, type TestRegistry } from "@tranship/registry/testing";
import { startDockerRegistry } from "../support/docker-registry.ts";

/** Where content can live and be copied from and to. */
export type HomeKind = "memory" | "layout" | "remote" | "docker-registry";

/** An empty home of content. */
export interface Home extends AsyncDisposable {
  readonly registry: Registry;
  /** The server behind a remote home. */
  readonly server?: TestRegistry;
}

/** What a remote home is like. */
export interface RemoteManner {
  /** Whether blobs are sent to it in chunks. */
  readonly isChunked: boolean;
  /** Whether it lists referrers itself; else they are under fallback tags. */
  readonly hasReferrers: boolean;
}

/** One manner of four, by any number. */
export function mannerOf(seed: number): RemoteManner {
  return { isChunked: seed % 2 === 1, hasReferrers: Math.floor(seed / 2) % 2 === 0 };
}

/** Makes an empty home of the kind. */
export async function openHome(kind: HomeKind, manner: RemoteManner): Promise<Home> {
  if (kind === "memory") return { registry: new MemoryRegistry(), [Symbol.asyncDispose]: async () => {} };
  if (kind === "remote") return await openRemote(manner);
  if (kind === "docker-registry") return await openDockerRegistry();
  const folder = await mkdtemp(join(tmpdir(), "tranship-property-"));
  const registry = await LayoutRegistry.open(folder, { create: true });
  return { registry, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

async function openRemote({ isChunked, hasReferrers }: RemoteManner): Promise<Home> {
  const server = await startTestRegistry({ maxPageSize: 2, referrersApi: hasReferrers }); // more than two items have pages
  const uploadChunkBytes = isChunked ? 5000 : undefined;
  const registry = createRegistry(server.host, { retryDelayMs: 1, idleTimeoutMs: 5000, attempts: 8, uploadChunkBytes });
  return {
    registry,
    server,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A registry without the referrers API, which knows sha256 only. */
async function openDockerRegistry(): Promise<Home> {
  const server = await startDockerRegistry();
  const registry = createRegistry(server.host);
  return {
    registry,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Faults a copy has to get through without its caller noticing. Damage shows where there is a digest to go by. */
const passing: readonly ((random: () => number) => Fault)[] = [
  (random) => faults.cutAfter(Math.floor(random() * 3000)),
  () => faults.status(500),
  () => faults.status(503, { headers: { "retry-after": "0" } }),
  () => faults.status(429, { headers: { "retry-after": "0" } }),
  (random) => faults.dropUpload(Math.floor(random() * 3000)),
  () => faults.reset(),
  () => faults.htmlError(502),
  () => faults.lyingRange({ mode: "ignored" }),
  (random) => faults.slow({ delayMs: Math.floor(random() * 5) }),
];

/**
 * Makes `count` requests of a server go wrong, at random moments; `onFault` is told of each that does. Bytes that arrive
 * damaged again and again are given up, so there are few such faults.
 */
export function injectFaults(
  server: TestRegistry,
  count: number,
  random: () => number,
  onFault: () => void,
  maxDamages = 2,
): void {
  for (let n = 0; n < count; n += 1) {
    let countdown = Math.floor(random() * 60);
    const isDamage = n < maxDamages && random() < 0.3;
    const fault = isDamage ? faults.corrupt({ at: Math.floor(random() * 500) }) : passingFault(random);
    const isContent = (path: string) => /\/(?:blobs|manifests)\//.test(path);
    server.fail(fault, {
      times: 1,
      match: ({ method, path }) => {
        const isHit = method !== "HEAD" && (!isDamage || isContent(path)) && countdown-- <= 0;
        if (isHit) onFault();
        return isHit;
      },
    });
  }
}

function passingFault(random: () => number): Fault {
  const make = passing[Math.floor(random() * passing.length)];
  return make ? make(random) : faults.status(500);
}
