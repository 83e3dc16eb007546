import type { DockerRegistry } from "../../support/docker-registry.ts";
import type { FaultProxy } from "./fault-proxy.ts";
import type { LoopLag } from "./loop-lag.ts";

/** What is done in one run. */
export type RunKind =
  | "pull"
  | "plan"
  | "push"
  | "sync"
  | "serve"
  | "verify"
  | "killed program"
  | "interrupted program"
  | "full disk"
  | "two at one bundle"
  | "two at one target";

/** What a judge found. */
export type ProblemKind =
  /** The work was reported done, and something is not there or is wrong. */
  | "false success"
  /** Repeated without faults, it did not come to its end, or not to the right one. */
  | "loss"
  /** A failure says something else than what went wrong. */
  | "wrong class"
  /** What a failure left is neither the old thing nor something to go on with. */
  | "bad remains"
  /** It did not end in time. */
  | "hang"
  /** Files of its own are left after success. */
  | "left over"
  /** Connections stay open after the client was closed. */
  | "open connection"
  /** An error that nobody caught, or a run that broke in another way. */
  | "broken";

/** One thing that is not as it has to be. */
export interface Problem {
  readonly kind: ProblemKind;
  readonly text: string;
}

/** How long one piece of work may take, in milliseconds. */
export const limitMs = 120_000;

/** What a run is given, and what it notes. */
export class FaultRun {
  readonly seed: number;
  readonly kind: RunKind;
  readonly random: () => number;
  /** Its own folder, on a disk in memory where there is one. */
  readonly folder: string;
  /** Somebody else's registry, where this run has to do with one. */
  readonly docker: DockerRegistry | undefined;
  /** What a layer of its catalog has, in bytes; without it, some hundred thousand at most. */
  readonly layerBytes: number | undefined;
  readonly problems: Problem[] = [];
  readonly fired = new Map<string, number>();
  readonly codes: string[] = [];
  readonly trail: string[] = [];
  readonly #lag: LoopLag;
  kills = 0;
  /** Timeouts of clients that nobody made wait but the machine. */
  slow = 0;

  constructor(
    parts: Pick<FaultRun, "seed" | "kind" | "random" | "folder" | "docker" | "layerBytes"> & { readonly lag: LoopLag },
  ) {
    this.#lag = parts.lag;
    this.seed = parts.seed;
    this.kind = parts.kind;
    this.random = parts.random;
    this.folder = parts.folder;
    this.docker = parts.docker;
    this.layerBytes = parts.layerBytes;
  }

  /** Whether something happens that does so in `share` of all cases. */
  chance(share: number): boolean {
    return this.random() < share;
  }

  /** A whole number from 0 to `most`. */
  upTo(most: number): number {
    return Math.floor(this.random() * (most + 1));
  }

  problem(kind: ProblemKind, text: string): void {
    this.problems.push({ kind, text });
  }

  problemsOf(kind: ProblemKind, texts: readonly string[]): void {
    if (texts.length > 0) this.problem(kind, texts.slice(0, 6).join("; "));
  }

  /**
   * Judges a failure. A timeout that no fault leads to is the machine's where this process, which is the server too, did
   * nothing for a good part of the client's patience.
   */
  judgeFailure(problems: readonly string[], code: string | undefined, sinceMs: number, idleTimeoutMs: number): void {
    if (problems.length === 0) return;
    if (code === "TIMEOUT" && this.#lag.longestSince(sinceMs) > idleTimeoutMs / 4) this.slow += 1;
    else this.problemsOf("wrong class", problems);
  }

  /** Keeps what happened at a proxy, and gives it. */
  took(proxy: FaultProxy): ReadonlyMap<string, number> {
    const fired = new Map(proxy.fired());
    for (const [name, times] of fired) this.fired.set(name, (this.fired.get(name) ?? 0) + times);
    return fired;
  }
}

/** How a piece of work ended. */
export type Attempt<Value> =
  | { readonly outcome: "done"; readonly value: Value }
  | { readonly outcome: "failed"; readonly error: unknown; readonly sinceMs: number }
  | { readonly outcome: "aborted" }
  | { readonly outcome: "hang" };

/** Who ends a piece of work before its time. */
export interface AttemptOptions {
  /** Called with what aborts the work. */
  readonly onStart?: (abort: () => void) => void;
}

/** How long work may go on after it was told to stop, in milliseconds. */
const stopMs = 20_000;

/** Does something that takes a signal, for no longer than a run may take. */
export async function attempt<Value>(
  work: (signal: AbortSignal) => Promise<Value>,
  { onStart }: AttemptOptions = {},
): Promise<Attempt<Value>> {
  const sinceMs = performance.now();
  const stop = new AbortController();
  const reason = new Error("aborted by the run");
  const settled = work(stop.signal).then(
    (value) => ({ outcome: "done", value }) as const,
    (error: unknown) =>
      stop.signal.aborted && error === reason
        ? ({ outcome: "aborted" } as const)
        : ({ outcome: "failed", error, sinceMs } as const),
  );
  const late = Promise.withResolvers<{ readonly outcome: "hang" }>();
  let stopTimer: NodeJS.Timeout | undefined;
  const abort = () => {
    stop.abort(reason);
    stopTimer ??= setTimeout(() => late.resolve({ outcome: "hang" }), stopMs);
  };
  const timer = setTimeout(() => late.resolve({ outcome: "hang" }), limitMs);
  onStart?.(abort);
  try {
    const ended = await Promise.race([settled, late.promise]);
    if (ended.outcome === "hang") stop.abort(reason);
    return ended;
  } finally {
    clearTimeout(timer);
    clearTimeout(stopTimer);
  }
}
