import type { CliEvent } from "./cli-event.ts";
import { type DepsEventOfCli, DepsFigures } from "./deps-figures.ts";
import { RateMeter } from "./rate-meter.ts";
import { type StageActivity, type StageEvent, StageFigures } from "./stage-figures.ts";

/** What a run is doing. */
export type Activity =
  | "planning"
  | "pulling"
  | "pushing"
  | "syncing"
  | "verifying"
  | "hashing"
  | "fetching"
  | StageActivity;

/** Something that is being transferred or read now; sizes are in bytes. */
export interface Moving {
  readonly repository: string;
  /** The digest of a blob; the name of a file has none. */
  readonly digest: string | undefined;
  /** `undefined` where nothing tells. */
  readonly size: number | undefined;
  doneBytes: number;
}

/** What it is called that a run does with what it has planned. */
const activities = { push: "pushing", sync: "syncing", verify: "verifying" } as const;
const jobs: ReadonlySet<Activity> = new Set(Object.values(activities));

type BlobEvent = Extract<CliEvent, { readonly type: `blob.${string}` }>;

/** How far a run is, added up from what it tells; the same for a terminal and for a log. */
export class ProgressState {
  readonly #startedMs: number;
  #rate: RateMeter;
  readonly #moving = new Map<string, Moving>();
  readonly #stages = new StageFigures();
  readonly #deps = new DepsFigures();
  /** What is planned for archives that are not finished, in bytes. */
  readonly #archives = new Map<string, number>();
  #activity: Activity | undefined;
  #plannedBytes = 0;
  #doneBytes = 0;

  /** Items there are; 0 until they have been listed. */
  listedItems = 0;
  /** Items that were begun: packages, modules, and what belongs to no single one. */
  items = 0;
  /** Images planned. */
  images = 0;
  /** Archives that are finished. */
  archives = 0;
  /** Times something was tried again. */
  retries = 0;

  constructor(nowMs: number) {
    this.#startedMs = nowMs;
    this.#rate = new RateMeter(nowMs);
  }

  /** `undefined` until there is anything to show. */
  get activity(): Activity | undefined {
    return this.#activity;
  }

  /** Whether what is done has no measure that anybody is told. */
  get isUnmeasured(): boolean {
    if (this.#activity === "checking" && this.#deps.isActive) return true;
    return this.#stages.isActive && this.#plannedBytes === 0 && this.#doneBytes === 0;
  }

  /** What is on its way, the oldest first; what has all its bytes only waits to be told finished. */
  get moving(): readonly Moving[] {
    if (this.#deps.isActive) return this.#deps.moving;
    return [...this.#moving.values()].filter(({ doneBytes, size = Number.POSITIVE_INFINITY }) => doneBytes < size);
  }

  /** How many items of a cache are where on their way, such as `2 active, 5 queued`; empty for none. */
  get tally(): string {
    return this.#deps.tally;
  }

  /** Bytes to be transferred or read, as far as they are known. */
  get plannedBytes(): number {
    return this.#plannedBytes;
  }

  /** Whether more may come to be planned: items are left to begin. */
  get isGrowing(): boolean {
    return this.items < this.listedItems;
  }

  /** Bytes in place; never more than are planned, where a plan is known. */
  get doneBytes(): number {
    return this.#plannedBytes > 0 ? Math.min(this.#doneBytes, this.#plannedBytes) : this.#doneBytes;
  }

  /** Bytes a second, lately. */
  bytesPerSecond(nowMs: number): number {
    return this.#rate.perSecond(nowMs);
  }

  /** Since the run began. */
  elapsedMs(nowMs: number): number {
    return nowMs - this.#startedMs;
  }

  /** How long what is planned may still take; `undefined` while nothing tells. */
  leftMs(nowMs: number): number | undefined {
    const rate = this.bytesPerSecond(nowMs);
    const left = this.plannedBytes - this.doneBytes;
    if (this.#plannedBytes === 0 || rate < 1 || !this.#rate.isSteady(nowMs)) return undefined;
    return (left / rate) * 1000;
  }

  event(event: CliEvent, nowMs: number): void {
    switch (event.type) {
      case "items.listed":
        this.#leaveHashing(nowMs);
        this.listedItems += event.items;
        this.#activity ??= "planning";
        break;
      case "item.started":
        this.items += 1;
        this.#activity ??= "planning";
        break;
      case "section.planned":
        this.images += event.images;
        this.#plannedBytes += event.bytes;
        this.#archives.set(event.archive, (this.#archives.get(event.archive) ?? 0) + event.bytes);
        this.#activity ??= "planning";
        break;
      case "work.planned":
        this.#leaveHashing(nowMs);
        // what a sync has planned it also has to bring, or has there already: only this says how much is left
        this.#plannedBytes = (event.job === "sync" ? this.#doneBytes : this.#plannedBytes) + event.bytes;
        this.#activity = activities[event.job];
        break;
      case "archive.finished":
        this.archives += 1;
        if (event.outcome === "unchanged") this.#doneBytes += this.#archives.get(event.archive) ?? 0;
        this.#archives.delete(event.archive);
        break;
      case "checksum.started":
        this.#plannedBytes += event.size;
        if (this.#activity === undefined || this.#activity === "planning") this.#activity = "hashing";
        this.#moving.set(event.file, { repository: event.file, digest: undefined, size: event.size, doneBytes: 0 });
        break;
      case "checksum.progress":
        this.#move(event.file, event.bytes, nowMs);
        break;
      case "checksum.finished":
        this.#finish(event.file, event.size);
        break;
      case "stage.started":
      case "stage.progress":
      case "stage.finished":
        this.#stage(event, nowMs);
        break;
      case "deps.checking":
      case "deps.cached":
      case "deps.queued":
      case "deps.started":
      case "deps.progress":
      case "deps.done":
      case "deps.failed":
        this.#item(event, nowMs);
        break;
      case "transfer.retried":
      case "request.retried":
        this.retries += 1;
        break;
      case "blob.started":
      case "blob.progress":
      case "blob.finished":
      case "blob.failed":
      case "blob.skipped":
        this.#blob(event, nowMs);
        break;
      default:
        break;
    }
  }

  /** What was hashed before the work proper says nothing of how far that is, nor how fast it goes. */
  #leaveHashing(nowMs: number): void {
    if (this.#activity !== "hashing") return;
    this.#activity = undefined;
    this.#plannedBytes = 0;
    this.#doneBytes = 0;
    this.#rate = new RateMeter(nowMs);
  }

  /** Of a stage, its own figures count: how fast another one was says nothing of it. */
  #stage(event: StageEvent, nowMs: number): void {
    this.#stages.event(event);
    const { activity, doneBytes, totalBytes } = this.#stages;
    if (activity === undefined) return; // between two stages, the first is still shown
    if (activity !== this.#activity) {
      this.#activity = activity;
      this.#doneBytes = 0;
      this.#rate = new RateMeter(nowMs);
    }
    this.#rate.add(doneBytes - this.#doneBytes, nowMs);
    this.#doneBytes = doneBytes;
    this.#plannedBytes = totalBytes;
  }

  /** Of a cache, the figures of its items count. */
  #item(event: DepsEventOfCli, nowMs: number): void {
    this.#deps.event(event);
    const { activity, doneBytes, plannedBytes } = this.#deps;
    if (activity !== this.#activity) this.#rate = new RateMeter(nowMs);
    this.#activity = activity;
    this.#rate.add(Math.max(0, doneBytes - this.#doneBytes), nowMs);
    this.#doneBytes = doneBytes;
    this.#plannedBytes = plannedBytes;
  }

  #blob(event: BlobEvent, nowMs: number): void {
    const { repository, digest, side } = event;
    const key = `${repository}@${digest}`;
    if (this.#activity === undefined || !jobs.has(this.#activity))
      this.#activity = side === "target" ? "pushing" : "pulling";
    if (event.type === "blob.started") {
      this.#moving.set(key, { repository, digest, size: event.size, doneBytes: event.offset });
      this.#doneBytes += event.offset;
    } else if (event.type === "blob.progress") this.#move(key, event.bytes, nowMs);
    else if (event.type === "blob.failed") this.#drop(key);
    else this.#finish(key, event.size);
  }

  #move(key: string, bytes: number, nowMs: number): void {
    const moving = this.#moving.get(key);
    const before = moving?.doneBytes ?? 0;
    const after = moving?.size !== undefined ? Math.min(moving.size, Math.max(0, before + bytes)) : before + bytes;
    if (moving) moving.doneBytes = after;
    this.#doneBytes += after - before;
    this.#rate.add(bytes, nowMs);
  }

  /** Whatever was told of it on the way, all of it is in place now. */
  #finish(key: string, size: number): void {
    this.#doneBytes += size - (this.#moving.get(key)?.doneBytes ?? 0);
    this.#moving.delete(key);
  }

  /** What is left of it will not come. */
  #drop(key: string): void {
    const moving = this.#moving.get(key);
    if (moving?.size !== undefined && this.#plannedBytes > 0) this.#plannedBytes -= moving.size - moving.doneBytes;
    this.#moving.delete(key);
  }
}
