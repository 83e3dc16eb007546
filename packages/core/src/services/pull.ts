import type { CallOptions } from "@tranship/registry";
import type { ArchiveFile } from "../bundle/archive/archive-file.ts";
import type { ArchiveEntry } from "../bundle/archive/archive-layout.ts";
import { archiveFileNames } from "../bundle/archive/archive-names.ts";
import { ArchiveWriter } from "../bundle/archive/archive-writer.ts";
import { lockArchive } from "../bundle/archive/locked-archive.ts";
import type { BundleDirectory, BundleSession } from "../bundle/bundle-directory.ts";
import { SpaceGuard } from "../bundle/disk/space-guard.ts";
import type { Journal } from "../bundle/journal.ts";
import { SidecarWriter } from "../checksums/sidecar-writer.ts";
import type { OnEvent } from "../events.ts";
import { type Base, baseOf } from "../plan/base.ts";
import type { BlobCount } from "../plan/blob-count.ts";
import { downloadTotals, type MissingImage } from "../plan/download-list.ts";
import type { FailedItem } from "../plan/failed-item.ts";
import type { Inventory } from "../plan/inventory.ts";
import { LayerCache } from "../plan/layers/layer-cache.ts";
import type { LeftOutCount } from "../plan/left-out.ts";
import type { PlannedStep, Planner } from "../plan/planner.ts";
import { madeManifest } from "../plan/section.ts";
import type { ShardShare } from "../plan/shards/shard.ts";
import { stepTotals } from "../plan/step-totals.ts";
import { BlobFiller } from "../transfer/fill-blob.ts";
import { ItemFailures, readsHosts } from "./item-failures.ts";
import { listOf } from "./plan.ts";
import { requireRoom } from "./require-room.ts";
import { type Run, startRun } from "./run-context.ts";
import { type ItemSink, imageFileReader, type PlannedItem, runItems } from "./run-items.ts";
import { shareOfRun } from "./shard-share.ts";

/** Options of {@link pull}. */
export interface PullOptions extends CallOptions {
  /** The bundle to fill. */
  readonly to: BundleDirectory;
  /**
   * What the other side has already: its configs and layers are left out, and the bundle is whole only together with
   * them. Another base makes another pull. @defaultValue nothing
   */
  readonly base?: Inventory | undefined;
  readonly onEvent?: OnEvent | undefined;
  /** Blobs under way at a time. @defaultValue 8 */
  readonly inFlight?: number | undefined;
  /** Tries in a row that bring no byte of a blob before it counts as failed. @defaultValue 5 */
  readonly attempts?: number | undefined;
  /** The pause before the second try, in milliseconds; it doubles from try to try. @defaultValue 500 */
  readonly retryDelayMs?: number | undefined;
  /**
   * Finish the other items when one fails. What failed is in the report and in the bundle's lock; the same pull fetches
   * what is left of it. @defaultValue false: the first failure ends the pull
   */
  readonly keepGoing?: boolean | undefined;
}

/** What became of one archive; `bytes` is its size. */
export interface ArchiveReport {
  readonly archive: string;
  readonly bytes: number;
  readonly outcome: "written" | "unchanged";
}

/** What a pull did; sizes in bytes. */
export interface PullReport {
  readonly archives: readonly ArchiveReport[];
  readonly images: number;
  /** Distinct blobs of the plan, manifests included. */
  readonly blobs: number;
  /** Came from the source in this run. A blob that was continued counts as fetched, with the bytes that were left. */
  readonly fetched: BlobCount;
  /** Copied from other archives on this machine. */
  readonly copied: BlobCount;
  /** Already in place from an interrupted pull. */
  readonly kept: BlobCount;
  /** Distinct configs and layers that were left out because the base has them. */
  readonly assumed: BlobCount;
  /** Distinct manifests that indexes list and that were left out on purpose; their own bytes. @defaultValue none */
  readonly leftOut?: LeftOutCount | undefined;
  readonly missing: readonly MissingImage[];
  /** What was gone on without, by archive; empty without `keepGoing`. An older archive of it is still in the bundle. */
  readonly failed: readonly FailedItem[];
  /** Whether all of it is on the device; without, a power cut may take parts of it. */
  readonly synced: boolean;
  /** Which part of the whole it was. @defaultValue all of it */
  readonly shard?: ShardShare | undefined;
}

/**
 * Fills a bundle with what the planners ask for. Interrupted, it leaves what a second call with the same selection
 * continues, inside a blob if need be; over a finished bundle it rewrites only the archives that changed. An archive that
 * is complete stays, whatever happens to others; with `keepGoing` it throws only what concerns the whole run: the signal, a
 * catalog that cannot be listed, the local disk, a source that refuses everything.
 * @throws MirrorError `NOT_IN_CATALOG`, `IMAGE_NOT_FOUND`, `PATH_CONFLICT`, `TRANSFER_FAILED`, `INVENTORY_INVALID`, `NO_SPACE`,
 * `FILE_TOO_LARGE`, `FILE_FAILED`
 */
export async function pull(planners: readonly Planner[], options: PullOptions): Promise<PullReport> {
  using run = startRun(planners, options);
  const base = options.base && baseOf(options.base);
  using session = options.to.begin(selectionOf(planners, base), run.base.emit);
  const { journal, local } = session;
  pinFixed(run, journal);
  run.source.recall = (blob) => local.read(blob);
  const { attempts, retryDelayMs: delayMs, inFlight = 8 } = options;
  const wasWritten = options.to.keepForm; // a repair: what it goes on with was whole once
  const filler = new BlobFiller(local, run.base, { attempts, delayMs, inFlight, wasWritten });
  run.source.arrival = (digest) => filler.arrival(digest);
  const { directory: folder, checksums: kinds } = options.to;
  await using sidecars = new SidecarWriter({ folder, kinds, signal: run.base.signal, onEvent: run.base.emit });
  const failures = new ItemFailures(run, { keepGoing: options.keepGoing, severalHosts: readsHosts(planners) });
  const space = new SpaceGuard();
  const shared: Shared = { run, bundle: options.to, session, filler, sidecars, space, failures };
  requireRoom(planners, options.to, base);
  const items = await listItems(planners, run, journal);
  const layers = new LayerCache();
  const {
    done,
    failed: failedNow,
    missing,
  } = await runItems(
    items,
    ({ planner }) => imageFileReader(planner, run.source, local, layers, run.patience),
    (planned) => new ArchiveSink(planned, shared),
    { stop: run.stop, emit: run.base.emit, failures, base },
  );
  const failed = [...failedNow, ...planners.flatMap(({ list }) => list?.failed ?? [])]; // of a list, when it was made
  const list = listOf(done, failed, missing);
  const archives = done.flatMap(({ report }) => report ?? []);
  const files = list.archives.map((planned) => lockArchive(planned, options.to.chunkBytesOf(planned.archive)));
  sidecars.add(options.to.finishedFiles());
  await sidecars.finish();
  await journal.settled();
  // A source that lists nothing says nothing about what a bundle holds: its archives stay.
  const hasListed = ({ list: one, shard: own }: Planner) => one !== undefined || (own?.all?.items ?? 0) > 0;
  const answered = new Set([...items.map(({ planner }) => planner), ...planners.filter(hasListed)]);
  options.to.commit(
    { ...list, files },
    (one) =>
      planners.some(
        (planner) => answered.has(planner) && planner.components.includes(one.component) && !planner.isOfOthers?.(one),
      ),
    run.base.emit,
  );
  const { totals } = filler;
  const shard = shareOfRun(planners, items);
  const { images, blobs, assumed, leftOut } = downloadTotals(list);
  return {
    archives,
    images,
    blobs,
    fetched: { blobs: totals.fetchedBlobs, bytes: totals.fetchedBytes },
    copied: { blobs: totals.copiedBlobs, bytes: totals.copiedBytes },
    kept: { blobs: totals.keptBlobs, bytes: totals.keptBytes },
    assumed,
    ...(leftOut ? { leftOut } : {}),
    missing: list.missing,
    failed: list.failed ?? [],
    synced: options.to.syncs,
    ...(shard ? { shard } : {}),
  };
}

/** What a pull asks for; the base is in it by its digest, for it may be long. */
function selectionOf(planners: readonly Planner[], base: Base | undefined): string {
  const selections = planners.map(({ selection }) => selection);
  return JSON.stringify(base ? [...selections, { base: base.digest }] : selections);
}

/** What an interrupted run found a tag to mean stays so for the rest of the pull. */
function pinFixed(run: Run, journal: Journal): void {
  for (const steps of journal.archives().values()) {
    for (const { source, images, made = [] } of steps.flatMap(({ section }) => section.repositories)) {
      for (const { reference, digest } of images) run.source.pin(reference, digest);
      for (const one of made) run.source.provide({ name: source }, madeManifest(one));
    }
  }
}

async function listItems(planners: readonly Planner[], run: Run, journal: Journal): Promise<readonly PlannedItem[]> {
  const all: PlannedItem[] = [];
  for (const [index, planner] of planners.entries()) {
    let items = journal.items(index);
    if (!items) {
      items = await run.listItems(index);
      journal.fixItems(index, items);
    }
    for (const item of items) all.push({ planner, item, run: run.contexts[index] ?? run.base });
  }
  return all;
}

/** What the archives of one pull share. */
interface Shared {
  readonly run: Run;
  readonly bundle: BundleDirectory;
  readonly session: BundleSession;
  readonly filler: BlobFiller;
  readonly sidecars: SidecarWriter;
  readonly space: SpaceGuard;
  readonly failures: ItemFailures;
}

/** An item whose archive is finished; without a report, it had no images and has no archive. */
interface PulledItem {
  readonly item: PlannedItem["item"];
  readonly steps: readonly PlannedStep[];
  readonly report: ArchiveReport | undefined;
}

/** Writes one item's steps into its archive. */
class ArchiveSink implements ItemSink<PulledItem>, Disposable {
  readonly fixed: readonly PlannedStep[];
  readonly #planned: PlannedItem;
  readonly #shared: Shared;
  readonly #writer: ArchiveWriter;
  readonly #steps: PlannedStep[] = [];
  /** A step is decided anew when the pull is continued, and with it those after it. */
  #isUnsettled = false;

  constructor(planned: PlannedItem, shared: Shared) {
    const { item, run } = planned;
    const { bundle, session, space } = shared;
    this.#planned = planned;
    this.#shared = shared;
    this.fixed = [...session.journal.steps(item.archive)];
    this.#writer = new ArchiveWriter({
      folder: bundle.directory,
      archive: item.archive,
      chunkBytes: bundle.chunkBytesOf(item.archive),
      local: session.local,
      space,
      trustPublished: bundle.believes(item.archive),
      emit: run.emit,
      beforePublish: () => bundle.uncommit(),
      onSyncRefused: session.onSyncRefused,
      fill: (file, entry) => this.#fill(file, entry),
    });
  }

  async take(step: PlannedStep, isNew: boolean): Promise<void> {
    const { item, run } = this.#planned;
    if (step.isUnsettled) this.#isUnsettled = true;
    if (isNew && !this.#isUnsettled) this.#shared.session.journal.fixStep(item.archive, step);
    run.emit({ type: "section.planned", archive: item.archive, ...stepTotals(step) });
    this.#steps.push(step);
    if (step.section.repositories.length > 0) await this.#writer.add(step.section);
  }

  async finish(): Promise<PulledItem> {
    const { item } = this.#planned;
    const isEmpty = this.#steps.every(({ section }) => section.repositories.length === 0);
    if (isEmpty) return { item, steps: this.#steps, report: undefined };
    const report = { archive: item.archive, ...(await this.#writer.finish()) };
    const { bundle, sidecars } = this.#shared;
    sidecars.add(archiveFileNames(item.archive, report.bytes, bundle.chunkBytesOf(item.archive)));
    return { item, steps: this.#steps, report };
  }

  [Symbol.dispose](): void {
    this.#writer[Symbol.dispose]();
  }

  /** A blob whose failure ends the run does so at once: what else is under way would only be waited for. */
  async #fill(file: ArchiveFile, entry: ArchiveEntry): Promise<void> {
    if (entry.content.kind !== "blob") return;
    const { filler, failures } = this.#shared;
    const { planner, run: own } = this.#planned;
    try {
      await filler.fill(file, entry, planner.open(entry.content.repository.source), own.emit);
    } catch (error) {
      failures.meet(error);
      throw error;
    }
  }
}
