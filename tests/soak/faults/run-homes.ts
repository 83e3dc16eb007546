import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { MemoryRegistry } from "@tranship/registry";
import { copyRepository } from "../../property/repository-content.ts";
import { faultPlan } from "./fault-plan.ts";
import type { FaultRun } from "./fault-run.ts";
import { type ClientPatience, type OursOptions, ProxiedHome } from "./proxied-home.ts";
import { type Held, readRegistry, repositoriesOf } from "./registry-judge.ts";
import type { ArmedFault } from "./wire-fault.ts";

/** A source with this content, behind a proxy: of ours, or somebody else's. */
export async function sourceHome(
  run: FaultRun,
  content: MemoryRegistry,
  options: OursOptions = oursOptions(run),
): Promise<ProxiedHome> {
  if (!run.docker) return await ProxiedHome.ours(content, options);
  const home = await ProxiedHome.place(run.docker.host, `s${run.seed}/source`);
  await using direct = home.openDirect();
  for await (const path of content.repositories())
    await copyRepository(content.repository(path), direct.repository(path), new AbortController().signal);
  return home;
}

/** An empty target behind a proxy; `name` tells it from others of the run. */
export async function targetHome(run: FaultRun, name: string, options: OursOptions): Promise<ProxiedHome> {
  if (!run.docker) return await ProxiedHome.empty(options);
  return await ProxiedHome.place(run.docker.host, `s${run.seed}/${name}`);
}

/** How a server of ours is, by chance. */
export function oursOptions(run: FaultRun): OursOptions {
  const isGuarded = run.chance(0.4);
  return { isGuarded, server: { maxPageSize: 1 + run.upTo(5), referrersApi: run.chance(0.7) } };
}

/** The size of a bundle's chunks, by chance; what is large stays whole. */
export function someChunkBytes(run: FaultRun): number | undefined {
  return run.chance(0.4) && run.layerBytes === undefined ? 20_000 + run.upTo(80_000) : undefined;
}

/** How patient a disturbed client is: it waits long only where nothing is to stall. */
export function patienceFor(run: FaultRun, faults: readonly ArmedFault[]): ClientPatience {
  const stalls = faults.some(({ wire }) => wire.codes.includes("TIMEOUT"));
  return {
    idleTimeoutMs: stalls ? 600 : 5000,
    attempts: 1 + run.upTo(5),
    uploadChunkBytes: run.chance(0.3) ? 3000 + run.upTo(60_000) + Math.ceil((run.layerBytes ?? 0) / 10) : undefined,
  };
}

/** Faults for one side of a run in this process. */
export function someFaults(run: FaultRun, isWritten: boolean): readonly ArmedFault[] {
  return faultPlan({ random: run.random, isWritten, most: 6, mostTimes: 8 });
}

/** Everything below a home's prefix, read around its proxy; names are without the prefix. */
export async function heldBy(run: FaultRun, home: ProxiedHome): Promise<Held> {
  const names = run.docker
    ? repositoriesOnDisk(run.docker.directory, home.prefix)
    : await repositoriesOf(home.directHost);
  const held = await readRegistry(home.directHost, [...names].sort());
  const bare = <Value>(all: Readonly<Record<string, Value>>) =>
    Object.fromEntries(Object.entries(all).map(([name, value]) => [name.slice(home.prefix.length), value]));
  return {
    tags: bare(held.tags),
    manifests: bare(held.manifests),
    blobs: bare(held.blobs),
    broken: held.broken.map((text) => text.slice(home.prefix.length)),
  };
}

/** Whether a client that was closed has let go of its connections. */
export async function requireClosed(run: FaultRun, { proxy }: ProxiedHome): Promise<void> {
  for (let tries = 0; proxy.connections > 0 && tries < 100; tries += 1) {
    proxy.drain();
    await delay(20);
  }
  if (proxy.connections > 0) run.problem("open connection", `${proxy.connections} open after the client was closed`);
}

/** Somebody else's registry lists all repositories it ever had; its disk says at once what is below a path. */
function repositoriesOnDisk(directory: string, prefix: string): readonly string[] {
  const root = join(directory, "docker/registry/v2/repositories");
  return foldersWith(join(root, prefix), "_manifests").map((path) => path.slice(root.length + 1));
}

function foldersWith(folder: string, name: string): readonly string[] {
  if (!existsSync(folder)) return [];
  const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const own = below.some((entry) => entry.name === name) ? [folder] : [];
  const deeper = below.filter((entry) => !entry.name.startsWith("_"));
  return [...own, ...deeper.flatMap((entry) => foldersWith(join(folder, entry.name), name))];
}
