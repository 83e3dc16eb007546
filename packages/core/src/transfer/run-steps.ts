import { ReadyQueue } from "./ready-queue.ts";

/** A piece of work and what must be done before it. */
export interface Step {
  /** Names it for the `needs` of others; used once. */
  readonly id: string;
  /** Steps that must be done first, in any order of appearance. */
  readonly needs?: readonly string[] | undefined;
  /** Does it. The signal ends when the caller's does or when another step has failed. */
  run(signal: AbortSignal): Promise<void>;
}

/** A step that failed, and with what. */
export interface StepFailure {
  readonly id: string;
  readonly error: unknown;
}

/** Options of {@link runSteps}. */
export interface RunStepsOptions {
  /** Steps under way at a time. */
  readonly inFlight: number;
  /** Go on with the steps that need nothing that failed. @defaultValue false */
  readonly keepGoing?: boolean | undefined;
  /** Ends the run: what is under way is aborted, nothing more starts. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs every step once, as soon as what it needs is done; among those that could start, the one given first. Settles only
 * when nothing is under way any more. With `keepGoing` it gives the failures in the order they came, and steps that need
 * a failed one are left out; without, the first failure aborts the others and is thrown as it is. An aborted run rejects
 * with the signal's reason.
 * @throws Error before anything starts, for an id used twice, a need that is no step, or steps that wait for each other
 */
export async function runSteps(
  steps: Iterable<Step>,
  { inFlight, keepGoing = false, signal }: RunStepsOptions,
): Promise<readonly StepFailure[]> {
  const nodes = link(steps);
  signal?.throwIfAborted();
  const run = new Run(nodes, Math.max(1, inFlight), keepGoing);
  const onAbort = () => run.stop(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await run.finished();
  } finally {
    signal?.removeEventListener("abort", onAbort); // a caller's signal outlives many runs
  }
}

interface Node {
  readonly step: Step;
  /** How many steps it still waits for. */
  waitsFor: number;
  /** Places of the steps that wait for it. */
  dependents: number[];
}

class Run {
  readonly #nodes: readonly Node[];
  readonly #inFlight: number;
  readonly #keepGoing: boolean;
  readonly #ready = new ReadyQueue();
  readonly #abort = new AbortController();
  readonly #failures: StepFailure[] = [];
  readonly #end: PromiseWithResolvers<readonly StepFailure[]> = Promise.withResolvers();
  #running = 0;
  #stopped: { readonly reason: unknown } | undefined;

  constructor(nodes: readonly Node[], inFlight: number, keepGoing: boolean) {
    this.#nodes = nodes;
    this.#inFlight = inFlight;
    this.#keepGoing = keepGoing;
    for (const [place, { waitsFor }] of nodes.entries()) if (waitsFor === 0) this.#ready.add(place);
  }

  finished(): Promise<readonly StepFailure[]> {
    this.#startReady();
    return this.#end.promise;
  }

  /** Aborts what is under way and starts nothing more; the first reason stays. */
  stop(reason: unknown): void {
    if (this.#stopped) return;
    this.#stopped = { reason };
    this.#abort.abort(reason);
  }

  #startReady(): void {
    while (!this.#stopped && this.#running < this.#inFlight) {
      const node = this.#nodes[this.#ready.take() ?? -1];
      if (!node) break;
      this.#running += 1;
      void this.#start(node);
    }
    if (this.#running > 0) return;
    if (this.#stopped) this.#end.reject(this.#stopped.reason);
    else this.#end.resolve(this.#failures);
  }

  async #start({ step, dependents }: Node): Promise<void> {
    try {
      await (async () => step.run(this.#abort.signal))(); // what is thrown at once comes as a rejection too
      for (const place of dependents) this.#release(place);
    } catch (error) {
      this.#failures.push({ id: step.id, error });
      if (!this.#keepGoing) this.stop(error);
    }
    this.#running -= 1;
    this.#startReady();
  }

  #release(place: number): void {
    const node = this.#nodes[place];
    if (!node) return;
    node.waitsFor -= 1;
    if (node.waitsFor === 0) this.#ready.add(place);
  }
}

/** Joins steps with those that wait for them, and makes sure that all can be reached. */
function link(steps: Iterable<Step>): readonly Node[] {
  const nobody: number[] = [];
  const nodes = Array.from(steps, (step): Node => ({ step, waitsFor: step.needs?.length ?? 0, dependents: nobody }));
  const byId = new Map(nodes.map((node) => [node.step.id, node]));
  if (byId.size < nodes.length) throw new Error(`two steps are called ${firstTwice(nodes)}`);
  for (const [place, { step }] of nodes.entries()) {
    for (const need of step.needs ?? []) {
      const needed = byId.get(need);
      if (!needed) throw new Error(`step ${step.id} needs ${need}, which is no step`);
      if (needed.dependents.length === 0) needed.dependents = [place];
      else needed.dependents.push(place); // a list that is made empty and then added to has room for many
    }
  }
  requireOrder(nodes);
  return nodes;
}

/** Takes steps off whose needs are all taken off, as a run would: what remains waits for itself. */
function requireOrder(nodes: readonly Node[]): void {
  const open = nodes.map(({ waitsFor }) => waitsFor);
  const free = nodes.filter(({ waitsFor }) => waitsFor === 0);
  for (const { dependents } of free) {
    for (const place of dependents) {
      const left = (open[place] ?? 0) - 1;
      open[place] = left;
      const node = nodes[place];
      if (left === 0 && node) free.push(node); // the loop goes on over what is added
    }
  }
  const stuck = nodes.find((_, place) => (open[place] ?? 0) > 0);
  if (stuck) throw new Error(`step ${stuck.step.id} waits, through what it needs, for itself`);
}

function firstTwice(nodes: readonly Node[]): string {
  const seen = new Set<string>();
  for (const { step } of nodes) {
    if (seen.has(step.id)) return step.id;
    seen.add(step.id);
  }
  return "the same";
}
