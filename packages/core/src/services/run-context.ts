import { MirrorError } from "../errors.ts";
import type { OnEvent } from "../events.ts";
import { archiveNameSchema } from "../plan/names.ts";
import type { Item, Planner, RunContext } from "../plan/planner.ts";
import { SourceCache } from "../plan/source-cache.ts";
import type { Patience } from "../transfer/asking-again.ts";

/** What the planners of one run share; disposing it ends what is under way and lets go of the caller's signal. */
export interface Run extends Disposable {
  /** Its events go to every planner, too. */
  readonly base: RunContext;
  /** For each planner, the same context with its own events. */
  readonly contexts: readonly RunContext[];
  readonly source: SourceCache;
  /** How often the source is asked for what arrives damaged. */
  readonly patience: Patience;
  /** Ends the run: aborted by the caller's signal or the first failure, with that as its reason. */
  readonly stop: AbortController;
  /** Lists the items of planner number `index`. @throws MirrorError `PLAN_INVALID` when two want one archive */
  listItems(index: number): Promise<readonly Item[]>;
}

/** Options of {@link startRun}. */
export interface StartRunOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: OnEvent | undefined;
  readonly attempts?: number | undefined;
  readonly retryDelayMs?: number | undefined;
  /** Bytes of manifests kept at hand, for a run that has no other place for them. @defaultValue the cache's own limit */
  readonly heldBytes?: number | undefined;
}

/** Sets up a run of `planners` that the caller's signal ends. */
export function startRun(
  planners: readonly Planner[],
  { signal, onEvent, attempts, retryDelayMs: delayMs, heldBytes }: StartRunOptions,
): Run {
  signal?.throwIfAborted();
  const stop = new AbortController();
  const release = new AbortController();
  signal?.addEventListener("abort", () => stop.abort(signal.reason), { signal: release.signal });
  const patience: Patience = { signal: stop.signal, attempts, delayMs };
  const source = new SourceCache(patience, heldBytes);
  const base: RunContext = {
    signal: stop.signal,
    source,
    emit(event) {
      for (const planner of planners) planner.onEvent?.(event);
      onEvent?.(event);
    },
  };
  const contexts = planners.map((planner) => ({
    ...base,
    emit: (event: Parameters<OnEvent>[0]) => {
      planner.onEvent?.(event);
      onEvent?.(event);
    },
  }));
  const taken = new Set<string>();
  const listItems = async (index: number) => {
    const items: Item[] = [];
    const [planner, context] = [planners[index], contexts[index]];
    if (!planner || !context) return items;
    for await (const item of planner.items(context)) {
      const { archive } = item;
      const isName = archiveNameSchema.safeParse(archive).success;
      if (!isName || taken.has(archive)) {
        const reason = isName ? "two components want to write it" : "it is not the name of an archive";
        throw new MirrorError("PLAN_INVALID", `cannot plan ${archive}: ${reason}`, { file: archive, reason });
      }
      taken.add(archive);
      items.push(item);
    }
    return items;
  };
  const dispose = () => {
    release.abort();
    stop.abort(); // of an item that failed, questions may still be under way
  };
  return { base, contexts, source, patience, stop, listItems, [Symbol.dispose]: dispose };
}
