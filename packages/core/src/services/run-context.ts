import type { OnEvent } from "../events.ts";
import type { Item, Planner, RunContext } from "../plan/planner.ts";
import { SourceCache } from "../plan/source-cache.ts";

/** What the planners of one run share; disposing it lets go of the caller's signal. */
export interface Run extends Disposable {
  readonly base: RunContext;
  /** For each planner, the same context with its own events. */
  readonly contexts: readonly RunContext[];
  readonly source: SourceCache;
  /** Ends the run: aborted by the caller's signal or the first failure, with that as its reason. */
  readonly stop: AbortController;
  /** Lists the items of planner number `index`. @throws Error when two items want one archive */
  listItems(index: number): Promise<readonly Item[]>;
}

/** Sets up a run of `planners` that the caller's signal ends. */
export function startRun(
  planners: readonly Planner[],
  { signal, onEvent }: { readonly signal?: AbortSignal | undefined; readonly onEvent?: OnEvent | undefined },
): Run {
  signal?.throwIfAborted();
  const stop = new AbortController();
  const release = new AbortController();
  signal?.addEventListener("abort", () => stop.abort(signal.reason), { signal: release.signal });
  const source = new SourceCache(stop.signal);
  const base: RunContext = { signal: stop.signal, source, emit: (event) => onEvent?.(event) };
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
      if (taken.has(item.archive)) throw new Error(`two components want to write ${item.archive}`);
      taken.add(item.archive);
      items.push(item);
    }
    return items;
  };
  return { base, contexts, source, stop, listItems, [Symbol.dispose]: () => release.abort() };
}
