import { resolve } from "node:path";
import { DepsCache, exportCache, importCache, type OnDepsEvent } from "@tranship/core/deps";
import type { Digest } from "@tranship/registry";
import type { CliContext } from "../context.ts";
import type { DepsFlags } from "../flags/deps-flags.ts";
import { requireOutputFile } from "../output-file.ts";
import { depsArchiveSummary } from "../print/deps-summaries.ts";
import { UsageError } from "../usage-error.ts";
import { cacheFolder, runSettings, storeOf } from "./cache-settings.ts";
import type { CacheWork } from "./cache-work.ts";
import { parsePin } from "./podplane-work.ts";

/** The archive that export and import need. @throws UsageError without one */
export function requireArchive(file: string | undefined, action: "export" | "import"): string {
  if (file === undefined || file === "")
    throw new UsageError(`deps ${action} needs a file: tranship deps ${action} FILE`);
  if (file === "-") throw new UsageError(`deps ${action} takes a file, and no stream`);
  return file;
}

/** Writes what the cache is for into one file. */
export async function exportTo(
  file: string,
  work: CacheWork,
  { output, signal }: CliContext,
  onEvent: OnDepsEvent,
): Promise<void> {
  const startedMs = performance.now();
  await requireOutputFile("deps export", file);
  await using cache = await work.open("read");
  const items = await work.items(cache);
  const { path, bytes, files, pin } = await exportCache(cache, items, file, { store: work.store, signal, onEvent });
  const elapsedMs = Math.round(performance.now() - startedMs);
  const report = { cache: work.folder, archive: path, digest: pin, items: items.length, files, bytes, elapsedMs };
  output.report("deps export", report, depsArchiveSummary(report, "export"));
}

/** Takes a cache over from a file. @throws UsageError */
export async function importFrom(
  file: string,
  flags: DepsFlags,
  context: CliContext,
  onEvent: OnDepsEvent,
): Promise<void> {
  const startedMs = performance.now();
  const { output, signal } = context;
  const folder = resolve(cacheFolder(flags, context));
  const { lock, lockTimeoutMs } = runSettings(flags);
  const pin = archivePin(flags);
  const store = storeOf(folder, flags);
  const also = store.startsWith(folder) ? [] : [store];
  await using cache = await DepsCache.open(folder, { also, lock, lockTimeoutMs, signal, onEvent });
  const done = await importCache(file, cache, { pin, isDeep: flags.deep, store, signal, onEvent });
  const { items, written, present, bytes } = done;
  const elapsedMs = Math.round(performance.now() - startedMs);
  const report = {
    cache: cache.path,
    archive: resolve(file),
    digest: done.pin,
    items: items.length,
    files: written + present,
    bytes,
    elapsedMs,
  };
  output.report("deps import", report, depsArchiveSummary(report, "import"));
}

function archivePin({ pin }: DepsFlags): Digest | undefined {
  const pins = pin.map(parsePin);
  const other = pins.find(([name]) => name !== "archive");
  if (other !== undefined) throw new UsageError(`--pin ${other[0]}=…: an import has one pin, archive=DIGEST`);
  return pins.at(-1)?.[1];
}
