import type { BlobCount, MirrorEvent } from "@tranship/core";
import type { PullStopped } from "./cli-event.ts";

/** What came of one component of a pull. */
export interface ComponentFigures {
  /** Such as `packages`. */
  readonly component: string;
  /** Items of which there is something to bring, by name. */
  readonly items: readonly string[];
  /** Items that were looked at and came to nothing. */
  readonly emptyItems: number;
  /** Items that were gone on without. */
  readonly failedItems: number;
  /** The source has no catalog of it, or one that lists nothing. */
  readonly isAbsent: boolean;
}

/** What a pull has told of itself; sizes are in bytes. */
export interface PullFigures {
  /** What the archives hold when they are finished: a blob counts once for every repository of every archive. */
  readonly planned: { readonly images: number; readonly bytes: number };
  /** Blobs that are complete; bytes also of those that are not. */
  readonly fetched: BlobCount;
  readonly copied: BlobCount;
  readonly kept: BlobCount;
  /** Archives that are no longer part of the bundle. */
  readonly removed: readonly string[];
  /** In the order in which they were asked for. */
  readonly components: readonly ComponentFigures[];
}

type Amount = { blobs: number; bytes: number };

interface ItemTally {
  readonly component: string;
  readonly item: string;
  images: number;
  hasFailed: boolean;
}

/** Adds up what a pull tells, for its summary; and for one that ends early and makes no report. */
export class PullTally {
  readonly #components: readonly string[];
  readonly #items = new Map<string, ItemTally>();
  readonly #finished = new Map<string, number>();
  readonly #removed: string[] = [];
  readonly #absent = new Set<string>();
  readonly #planned = { images: 0, bytes: 0 };
  readonly #amounts: Readonly<Record<"fetched" | "copied" | "kept", Amount>> = {
    fetched: { blobs: 0, bytes: 0 },
    copied: { blobs: 0, bytes: 0 },
    kept: { blobs: 0, bytes: 0 },
  };

  constructor(components: readonly string[]) {
    this.#components = [...new Set(components)];
  }

  /** Whether any archive was begun. */
  get hasStarted(): boolean {
    return [...this.#items.values()].some(({ images }) => images > 0);
  }

  /** What was told by now. */
  get figures(): PullFigures {
    const items = [...this.#items.values()];
    const components = this.#components.map((component): ComponentFigures => {
      const own = items.filter((one) => one.component === component);
      const names = own.filter(({ images, hasFailed }) => images > 0 && !hasFailed).map(({ item }) => item);
      const failedItems = own.filter(({ hasFailed }) => hasFailed).length;
      const emptyItems = own.length - names.length - failedItems;
      return { component, items: names.sort(), emptyItems, failedItems, isAbsent: this.#absent.has(component) };
    });
    const { fetched, copied, kept } = this.#amounts;
    return {
      planned: { ...this.#planned },
      fetched: { ...fetched },
      copied: { ...copied },
      kept: { ...kept },
      removed: this.#removed.toSorted(),
      components,
    };
  }

  event(event: MirrorEvent): void {
    switch (event.type) {
      case "item.started": {
        const { component, item } = event;
        this.#items.set(event.archive, { component, item, images: 0, hasFailed: false });
        break;
      }
      case "item.failed": {
        const item = this.#items.get(event.archive);
        if (item) item.hasFailed = true;
        break;
      }
      case "section.planned": {
        const item = this.#items.get(event.archive);
        if (item) item.images += event.images;
        this.#planned.images += event.images;
        this.#planned.bytes += event.bytes;
        break;
      }
      case "archive.finished":
        this.#finished.set(event.archive, event.bytes);
        break;
      case "archive.removed":
        this.#removed.push(event.archive);
        break;
      case "blob.progress":
        this.#amounts.fetched.bytes = Math.max(0, this.#amounts.fetched.bytes + event.bytes);
        break;
      case "blob.finished":
        this.#amounts.fetched.blobs += 1;
        if (event.size > event.fetchedBytes) this.#amounts.kept.bytes += event.size - event.fetchedBytes;
        break;
      case "blob.skipped":
        if (event.reason !== "kept" && event.reason !== "copied") break;
        this.#amounts[event.reason].blobs += 1;
        this.#amounts[event.reason].bytes += event.size;
        break;
      case "warning.raised":
        if (event.code === "NO_CATALOG" && event.component !== undefined) this.#absent.add(event.component);
        break;
      default:
        break;
    }
  }

  /** What there is to tell of a pull that was stopped. */
  stopped(reason: PullStopped["reason"], elapsedMs: number): PullStopped {
    const begun = [...this.#items].filter(([archive, { images }]) => images > 0 && !this.#finished.has(archive));
    const { planned, fetched, copied, kept } = this.figures;
    return {
      type: "pull.stopped",
      reason,
      finished: [...this.#finished.keys()].sort(),
      unfinished: begun.map(([archive]) => archive).sort(),
      planned,
      fetched,
      copied,
      kept,
      elapsedMs: Math.round(elapsedMs),
    };
  }
}
