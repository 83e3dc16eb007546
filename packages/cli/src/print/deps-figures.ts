import type { CliEvent } from "./cli-event.ts";
import type { Moving } from "./progress-state.ts";

/** What is told of the items of a cache. */
export type DepsEventOfCli = Extract<CliEvent, { readonly type: `deps.${string}` }>;

/** Where items are on their way; each is in one of these. */
const states = ["checking", "cached", "queued", "active", "done", "failed"] as const;

type State = (typeof states)[number];

const stateAfter: Readonly<Record<Exclude<DepsEventOfCli["type"], "deps.status">, State>> = {
  "deps.checking": "checking",
  "deps.cached": "cached",
  "deps.queued": "queued",
  "deps.started": "active",
  "deps.progress": "active",
  "deps.done": "done",
  "deps.failed": "failed",
};

interface Known {
  state: State;
  moving: Moving;
}

/** How far the items of a cache of dependencies are, added up from what is told of each. */
export class DepsFigures {
  readonly #items = new Map<string, Known>();
  #counts: Readonly<Record<State, number>> = { checking: 0, cached: 0, queued: 0, active: 0, done: 0, failed: 0 };
  #plannedBytes = 0;
  #doneBytes = 0;

  /** Whether items are what is told of at all. */
  get isActive(): boolean {
    return this.#items.size > 0;
  }

  /** Looked for first, then brought. */
  get activity(): "checking" | "fetching" {
    const { active, done, failed } = this.#counts;
    return active + done + failed > 0 ? "fetching" : "checking";
  }

  /** What is brought now, the oldest first. */
  get moving(): readonly Moving[] {
    return [...this.#items.values()].filter(({ state }) => state === "active").map(({ moving }) => moving);
  }

  /** Of all that is to be brought and says its size. */
  get plannedBytes(): number {
    return this.#plannedBytes;
  }

  /** What is here of that. */
  get doneBytes(): number {
    return this.#doneBytes;
  }

  /** Such as `2 active, 5 queued, 12 cached`: what there is of each. */
  get tally(): string {
    return states.flatMap((state) => (this.#counts[state] === 0 ? [] : `${this.#counts[state]} ${state}`)).join(", ");
  }

  event(event: DepsEventOfCli): void {
    if (event.type === "deps.status") return;
    const known = this.#items.get(event.item) ?? this.#begin(event);
    if (event.type === "deps.failed")
      this.#size(known, known.moving.doneBytes); // what is left of it will not come
    else if (event.type !== "deps.checking" && event.type !== "deps.cached") this.#size(known, event.total);
    if (event.type === "deps.progress") this.#bytes(known, event.current);
    if (event.type === "deps.done") this.#bytes(known, event.total);
    this.#move(known, stateAfter[event.type]);
  }

  #begin({ item, name }: Exclude<DepsEventOfCli, { readonly type: "deps.status" }>): Known {
    const known: Known = {
      state: "checking",
      moving: { repository: name, digest: undefined, size: undefined, doneBytes: 0 },
    };
    this.#items.set(item, known);
    this.#counts = { ...this.#counts, checking: this.#counts.checking + 1 };
    return known;
  }

  #move(known: Known, state: State): void {
    if (known.state === state) return;
    const { [known.state]: left, [state]: entered } = this.#counts;
    this.#counts = { ...this.#counts, [known.state]: left - 1, [state]: entered + 1 };
    known.state = state;
  }

  /** The size as it is known now; the first is the manifest's, a later one what the server has. */
  #size(known: Known, size: number | undefined): void {
    if (size === undefined) return;
    const { moving } = known;
    this.#plannedBytes += size - (moving.size ?? 0);
    this.#doneBytes += Math.min(size, moving.doneBytes) - countedOf(moving);
    known.moving = { ...moving, size };
  }

  #bytes(known: Known, current: number): void {
    const { moving } = known;
    const before = countedOf(moving);
    moving.doneBytes = current;
    this.#doneBytes += countedOf(moving) - before;
  }
}

/** What counts of an item that says its size; of one that does not, nothing would be known to be left. */
function countedOf({ size, doneBytes }: Moving): number {
  return size === undefined ? 0 : Math.min(size, doneBytes);
}
