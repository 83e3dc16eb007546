import { resolve } from "node:path";
import { type DepsAccess, DepsCache, ManifestDeps, type OnDepsEvent, parseSelection } from "@tranship/core/deps";
import type { CliContext } from "../context.ts";
import type { DepsFlags } from "../flags/deps-flags.ts";
import type { RunSettings } from "./cache-settings.ts";
import type { CacheWork } from "./cache-work.ts";
import { readManifest } from "./read-manifest.ts";

/** A cache that is filled from a manifest of our own format. @throws UsageError; DepsError for a manifest that is wrong */
export async function ownWork(
  folder: string,
  flags: DepsFlags,
  settings: RunSettings,
  { context, access, onEvent }: { context: CliContext; access: DepsAccess; onEvent: OnDepsEvent },
): Promise<CacheWork> {
  const { manifest: file = "", select, deep: isDeep, offline, keepGoing } = flags;
  const { concurrency, lock, lockTimeoutMs } = settings;
  const { signal } = context;
  const source = await readManifest(file, context);
  const deps = new ManifestDeps({ cacheDir: folder, access, source, selection: parseSelection(select) });
  const { name, version } = deps.manifest;
  const manifests = [{ name, version, digest: source.digest, from: file }];
  const calling = { signal, onEvent, lock, lockTimeoutMs };
  return {
    folder: resolve(folder),
    plan: async () => ({ manifests, plan: await deps.plan({ isDeep, offline, ...calling }) }),
    download: async () => {
      const { report } = await deps.download({ isDeep, offline, concurrency, keepGoing, ...calling });
      return { manifests, report };
    },
    status: async () => [{ name, ...(await deps.status(calling)) }],
    open: (how) => (how === "read" ? DepsCache.open(folder, { readOnly: true, ...calling }) : deps.open(calling)),
    items: async (cache) => deps.itemsIn(cache),
    former: async (cache) => deps.formerIn(cache),
    store: resolve(folder, "registry"),
  };
}
