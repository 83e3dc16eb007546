import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { applyDeps } from "../../apply/apply-deps.ts";
import { planDeps } from "../../apply/plan-deps.ts";
import { DepsError, isDepsError } from "../../errors.ts";
import { onDiskIfAny } from "../../file-error.ts";
import { compareBytes } from "../../json.ts";
import { podplaneItems } from "../podplane-items.ts";
import type { SeedSnapshot, SeedsManifest } from "../seeds-manifest.ts";
import { supportedArchs } from "../well-known.ts";
import { readCached, readIfWhole } from "./cached-manifest.ts";
import { download } from "./download.ts";
import { type ManagerContext, openCache } from "./manager-context.ts";
import { readIfAny } from "./manifest-bytes.ts";
import type { PodplaneCallOptions } from "./options.ts";
import { notCached } from "./verify.ts";

/** Manifests of seeds that are kept beside the latest: more are not looked through. */
const maxHistory = 10_000;

/** Where a cached snapshot is; see {@link PodplaneDeps.cachedSeedSnapshotPath}. */
export async function cachedSnapshot(
  context: ManagerContext,
  name: string,
  version: string | undefined,
): Promise<string> {
  const { paths, spots } = context;
  const latest = await readCached(spots.seeds);
  if (latest === undefined) throw notCached(spots.seeds.stem, spots.seeds.paths.latest);
  const isLatest = version === undefined || version === latest.manifest.seeds.version;
  const manifest = isLatest ? latest.manifest : await oldSeeds(context, version);
  if (manifest === undefined) throw otherVersion(version ?? "", latest.manifest.seeds.version);
  const snapshot = snapshotOf(manifest, name);
  const path = paths.seedSnapshot(name, manifest.seeds.version, snapshot);
  // Of an older version nothing was noted any more; files appear whole or not at all.
  const isThere = (snapshot.cached || !isLatest) && (await isWhole(path, snapshot));
  if (isThere) return path;
  const message = `snapshot ${name} of seeds ${manifest.seeds.version} is not cached at ${path}`;
  throw new DepsError("NOT_CACHED", message, { path });
}

/** Where a snapshot is, once it is there; see {@link PodplaneDeps.ensureSeedSnapshot}. */
export async function ensureSnapshot(
  context: ManagerContext,
  name: string,
  version: string | undefined,
  options: PodplaneCallOptions,
): Promise<string> {
  try {
    return await cachedSnapshot(context, name, version);
  } catch (error) {
    if (!["NOT_CACHED", "SEED_VERSION", "MANIFEST_PARSE"].some((code) => isDepsError(error, code as "NOT_CACHED")))
      throw error;
  }
  const old = version === undefined ? undefined : await oldSeeds(context, version);
  if (old !== undefined && (await latestVersion(context)) !== version) {
    await bringOld(context, onlySnapshot(old, name), options);
    return cachedSnapshot(context, name, version);
  }
  await download(context, {
    ...options,
    arch: supportedArchs[0] ?? "", // snapshots are for every one
    only: ["seeds"],
    narrow: ({ seeds }) => {
      if (seeds === undefined) return {};
      const found = seeds.manifest.seeds.version;
      if (version !== undefined && found !== version) throw otherVersion(version, found);
      return { seeds: { ...seeds, manifest: onlySnapshot(seeds.manifest, name) } };
    },
  });
  return cachedSnapshot(context, name, version);
}

async function bringOld(context: ManagerContext, manifest: SeedsManifest, options: PodplaneCallOptions): Promise<void> {
  const { signal, onEvent, offline: isOffline = false } = options;
  const items = podplaneItems({ seeds: { manifest } }, { archs: [] }, context.paths, context);
  await using cache = await openCache(context, options);
  const plan = await planDeps(items, cache, { isOffline, signal, onEvent });
  await applyDeps(plan, cache, context.access, { isOffline, signal, onEvent });
}

/** The manifest of a version that was the latest once. */
async function oldSeeds({ spots }: ManagerContext, version: string): Promise<SeedsManifest | undefined> {
  const { format, paths, stem } = spots.seeds;
  const folder = dirname(paths.latest);
  const names = (await onDiskIfAny(folder, () => readdir(folder))) ?? [];
  const history = names.filter((name) => name.startsWith(`${stem}_`) && name.endsWith(".json"));
  for (const name of history.sort(compareBytes).reverse().slice(0, maxHistory)) {
    const found = await readIfAny(join(folder, name), name).catch(() => undefined);
    if (found === undefined) continue;
    const manifest = tryParse(() => format.parse(found.bytes, { keepMarkers: true }));
    if (manifest?.seeds.version === version) return manifest;
  }
  return undefined;
}

async function latestVersion({ spots }: ManagerContext): Promise<string | undefined> {
  const latest = await readIfWhole(spots.seeds);
  return latest?.manifest.seeds.version;
}

function tryParse(parse: () => SeedsManifest): SeedsManifest | undefined {
  try {
    return parse();
  } catch {
    return undefined; // a torn copy
  }
}

function onlySnapshot(manifest: SeedsManifest, name: string): SeedsManifest {
  return { ...manifest, seeds: { ...manifest.seeds, snapshots: { [name]: snapshotOf(manifest, name) } } };
}

function snapshotOf({ seeds }: SeedsManifest, name: string): SeedSnapshot {
  const found = Object.hasOwn(seeds.snapshots, name) ? seeds.snapshots[name] : undefined;
  if (found !== undefined) return found;
  const reason = `seeds ${seeds.version} have no such snapshot`;
  throw new DepsError("SEED_SOURCE", `cannot use seed snapshot ${name}: ${reason}`, { snapshot: name, reason });
}

async function isWhole(path: string, { size }: SeedSnapshot): Promise<boolean> {
  const found = await onDiskIfAny(path, () => stat(path));
  return found?.isFile() === true && (size === 0 || found.size === size);
}

function otherVersion(wanted: string, actual: string): DepsError<"SEED_VERSION"> {
  const message = `cannot use seeds ${wanted}: those that are known are ${actual}`;
  return new DepsError("SEED_VERSION", message, { wanted, actual });
}
