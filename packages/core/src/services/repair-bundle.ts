import { existsSync, lstatSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { RegistryReader, RepositoryReader } from "@tranship/registry";
import * as z from "zod";
import { partialSuffix } from "../bundle/archive/archive-names.ts";
import { finishedFiles, isHead, listArchiveFiles, removeFile } from "../bundle/archive/archive-set.ts";
import { isArchiveRight } from "../bundle/archive/prove-archive.ts";
import { BundleDirectory } from "../bundle/bundle-directory.ts";
import { locally } from "../bundle/disk/local-error.ts";
import { readOwn } from "../bundle/disk/own-file.ts";
import { syncFolder } from "../bundle/disk/sync-folder.ts";
import { Journal } from "../bundle/journal.ts";
import { WorkFolder } from "../bundle/work-folder.ts";
import { type ChecksumKind, checksumKinds, sidecarName } from "../checksums/sidecar.ts";
import { SidecarWriter } from "../checksums/sidecar-writer.ts";
import { removeWrongChecksums } from "../checksums/wrong-checksums.ts";
import { MirrorError } from "../errors.ts";
import type { OnEvent } from "../events.ts";
import { digestOfText } from "../plan/digest-of-text.ts";
import { type LockedArchive, type LockFile, lockFileText, parseLockFile } from "../plan/lock-file.ts";
import type { PlannedStep, Planner } from "../plan/planner.ts";
import { openBelow } from "./open-below.ts";
import { type PullOptions, type PullReport, pull } from "./pull.ts";
import { liesElsewhere, type SourceRegistries, sourceOpener } from "./source-registries.ts";

/** Options of {@link repairBundle}. */
export interface RepairBundleOptions
  extends Pick<PullOptions, "signal" | "onEvent" | "inFlight" | "attempts" | "retryDelayMs"> {
  /**
   * Where to fetch what is damaged: the registry the bundle was pulled from, or any other place that has the same
   * repositories at the same paths. Or what gives the registry of each host the bundle was pulled from.
   */
  readonly source: SourceRegistries;
}

/** What a repair found of one archive; `bytes` is its size. */
export interface RepairedArchive {
  readonly archive: string;
  readonly bytes: number;
  readonly outcome: "repaired" | "whole";
}

/** What a repair did; sizes in bytes. */
export interface RepairReport extends Pick<PullReport, "fetched" | "copied" | "kept"> {
  readonly archives: readonly RepairedArchive[];
  /** Names of files with checksums that were not those of an archive that is right, and are written anew. */
  readonly checksums: readonly string[];
}

const nothing = { blobs: 0, bytes: 0 };

/**
 * Makes a finished bundle right again where it is damaged: hashes every archive the lock file lists, and writes those that
 * are damaged or missing anew in their places, from what is right in them, from other archives of the bundle, and from
 * the source. Archives end up byte for byte as they were; those that are right are not touched. Checksums beside archives
 * are compared, too, and written anew where they are wrong. While it runs, the bundle
 * is unfinished; interrupted, it is continued by repairing again.
 * @throws MirrorError `BUNDLE_NOT_FOUND`, `BUNDLE_UNLOCKED`, `BUNDLE_UNFINISHED` when a pull into the bundle is,
 * `BUNDLE_LOCKED`, `PLAN_INVALID` when the lock file itself is damaged, `TRANSFER_FAILED` naming a blob that the source
 * does not give, `NO_SPACE`, `FILE_FAILED`
 */
export async function repairBundle(
  directory: string,
  { source, ...options }: RepairBundleOptions,
): Promise<RepairReport> {
  const { signal, onEvent } = options;
  requireLock(directory);
  const checksums = interruptedKinds(directory) ?? kindsIn(directory);
  await using bundle = await BundleDirectory.open(directory, { keepForm: true, checksums });
  const { lockFile: lock } = bundle;
  if (!lock) throw unlocked(directory);
  const planner = repairPlanner(lock, source, checksums);
  const selection = JSON.stringify([planner.selection]);
  const isUnfinished = requireNoPull(directory, selection);
  const damaged = await damagedArchives(directory, lock, { signal, onEvent });
  const archives = lock.files.map(({ archive, bytes }) => {
    const outcome = damaged.some((one) => one.archive === archive) ? "repaired" : "whole";
    return { archive, bytes, outcome } as const;
  });
  const wrong = await removeWrongChecksums(
    directory,
    lock.files.filter((file) => !damaged.includes(file)),
    { signal, onEvent },
  );
  if (damaged.length === 0 && !isUnfinished) {
    await using sidecars = new SidecarWriter({
      folder: directory,
      kinds: wrong.length > 0 ? checksums : [],
      signal,
      onEvent,
    });
    sidecars.add(bundle.finishedFiles());
    await sidecars.finish();
    return { archives, checksums: wrong, fetched: nothing, copied: nothing, kept: nothing };
  }
  fixPlan(bundle, lock, selection);
  bundle.uncommit();
  for (const { archive } of lock.files) {
    const isDamaged = damaged.some((one) => one.archive === archive);
    if (isDamaged) unpublish(directory, archive);
    else removePartials(directory, archive);
  }
  syncFolder(directory);
  const { fetched, copied, kept } = await pull([planner], { ...options, to: bundle });
  return { archives, checksums: wrong, fetched, copied, kept };
}

/**
 * What the lock file of a bundle says, in its place or put aside by a repair that was interrupted: what a repair will ask for.
 * @throws MirrorError `BUNDLE_NOT_FOUND`, `BUNDLE_UNLOCKED`, `PLAN_INVALID`, `FILE_FAILED`
 */
export function lockOfBundle(directory: string): LockFile {
  requireLock(directory);
  const path = new WorkFolder(directory).lockPath;
  if (path === undefined) throw unlocked(directory);
  return parseLockFile(() => locally(path, () => readOwn(path)).toString("utf8"), path);
}

/** Asks for what the lock file says. Its sections are fixed before, so nothing is planned anew and no tag is asked for. */
function repairPlanner(lock: LockFile, source: SourceRegistries, checksums: readonly ChecksumKind[]): Planner {
  const paths = new Map<string, string>();
  for (const { path, source: name } of lock.archives.flatMap((one) => one.sections.flatMap((s) => s.repositories))) {
    paths.set(name, path);
  }
  return {
    components: [...new Set(lock.archives.map(({ component }) => component))],
    selection: { repair: digestOfText(lockFileText(lock)), checksums },
    open: typeof source === "function" ? sourceOpener(source) : (name) => openAt(source, name, paths.get(name) ?? ""),
    async *items() {
      for (const { archive, component, item } of lock.archives) yield { archive, component, name: item };
    },
    next: async () => undefined,
  };
}

/** Where the bundle was pulled from, what is stored elsewhere is still at its own place; in any other registry, at the bundle's. */
function openAt(source: RegistryReader, name: string, path: string): RepositoryReader {
  try {
    return openBelow(source, name);
  } catch (error) {
    if (!liesElsewhere(error)) throw error;
    return source.repository(path);
  }
}

/** Writes the plan of the bundle into the journal, as far as an interrupted repair has not: the pull then follows it. */
function fixPlan(bundle: BundleDirectory, lock: LockFile, selection: string): void {
  using session = bundle.begin(selection);
  const { journal } = session;
  const items = lock.archives.map(({ archive, component, item }) => ({ archive, component, name: item }));
  if (!journal.items(0)) journal.fixItems(0, items);
  const told = new Set<string>();
  for (const { archive, component, sections } of lock.archives) {
    const isFirst = !told.has(component);
    told.add(component);
    const missing = isFirst ? lock.missing.filter((one) => one.component === component) : [];
    const steps = sections.map(
      (section, index): PlannedStep => ({
        section,
        missing: index > 0 ? [] : missing.map(({ component: _own, ...one }) => one),
      }),
    );
    for (const step of steps.slice(journal.steps(archive).length)) journal.fixStep(archive, step);
  }
}

async function damagedArchives(
  directory: string,
  lock: LockFile,
  { signal, onEvent }: { readonly signal?: AbortSignal | undefined; readonly onEvent?: OnEvent | undefined },
): Promise<readonly LockedArchive[]> {
  const damaged: LockedArchive[] = [];
  for (const file of lock.files) {
    const { archive, bytes, chunkBytes } = file;
    const planned = lock.archives.find((one) => one.archive === archive);
    if (!planned) continue; // the lock file does not say what it holds
    const startedMs = performance.now();
    onEvent?.({ type: "checksum.started", file: archive, size: bytes });
    const place = { path: join(directory, archive), isPartial: false, chunkBytes };
    const onBytes = (read: number) => onEvent?.({ type: "checksum.progress", file: archive, bytes: read });
    if (!(await isArchiveRight(place, planned, bytes, { signal, onBytes }))) damaged.push(file);
    const elapsedMs = Math.round(performance.now() - startedMs);
    onEvent?.({ type: "checksum.finished", file: archive, size: bytes, kinds: [], elapsedMs });
  }
  return damaged;
}

/** What stands under the archive's names becomes what is written on; of two forms, the pull removes the wrong one. */
function unpublish(directory: string, archive: string): void {
  const files = finishedFiles(join(directory, archive));
  for (const { name } of [...files.filter(isHead), ...files.filter((file) => !isHead(file))]) {
    const path = join(directory, name);
    locally(path, () => renameSync(path, path + partialSuffix));
  }
}

/** The archive is right as it stands: somebody may have brought it back since a repair began. */
function removePartials(directory: string, archive: string): void {
  for (const file of listArchiveFiles(directory)) {
    if (file.archive === archive && file.isPartial) removeFile(join(directory, file.name));
  }
}

/** @throws MirrorError `BUNDLE_NOT_FOUND`, `BUNDLE_UNLOCKED`; makes no folder where there is none */
function requireLock(directory: string): void {
  if (!lstatSync(directory, { throwIfNoEntry: false })) {
    throw new MirrorError("BUNDLE_NOT_FOUND", `there is no bundle at ${directory}`, { bundle: directory });
  }
  if (new WorkFolder(directory).lockPath === undefined) throw unlocked(directory);
}

/** Whether a repair of this bundle was interrupted. @throws MirrorError `BUNDLE_UNFINISHED` when a pull was */
function requireNoPull(directory: string, selection: string): boolean {
  const work = new WorkFolder(directory);
  const { run } = Journal.read(work.journalPath);
  if (run !== undefined && run.selection !== selection) {
    const message = `cannot repair ${directory}: a pull into it has not finished; finish that, or give it up`;
    throw new MirrorError("BUNDLE_UNFINISHED", message, { bundle: directory });
  }
  return run !== undefined || !work.isCommitted;
}

/** The checksums that some file of the bundle has: all get them again. */
function kindsIn(directory: string): readonly ChecksumKind[] {
  const files = listArchiveFiles(directory).filter(({ isPartial }) => !isPartial);
  return checksumKinds.filter((kind) => files.some(({ name }) => existsSync(join(directory, sidecarName(name, kind)))));
}

const selectionSchema = z.tuple([z.object({ repair: z.string(), checksums: z.array(z.enum(checksumKinds)) })]);

/** The checksums that the bundle had before a repair that was interrupted: an archive that is written anew loses its own. */
function interruptedKinds(directory: string): readonly ChecksumKind[] | undefined {
  const { run } = Journal.read(new WorkFolder(directory).journalPath);
  try {
    return selectionSchema.parse(JSON.parse(run?.selection ?? ""))[0].checksums;
  } catch {
    return undefined; // the journal of a pull, or none
  }
}

function unlocked(directory: string): MirrorError<"BUNDLE_UNLOCKED"> {
  const message = `cannot repair ${directory}: it has no lock file that says what it held`;
  return new MirrorError("BUNDLE_UNLOCKED", message, { bundle: directory });
}
