import { RegistryError } from "@tranship/registry";

/** Timers know no longer time, in milliseconds. */
const longestTimerMs = 2 ** 31 - 1;

/** How long a list may take. */
export interface TimeLimit {
  /** So long may nothing come, in milliseconds; 0 for ever. */
  readonly ms: number;
  /** Ends the list; it then rejects with the signal's reason. */
  readonly signal: AbortSignal;
  /** The full name of the repository that is listed. */
  readonly what: string;
}

/**
 * The items of a list, as long as each comes in time. A list that does not is left, and given up with an error of its own:
 * nobody takes it for a cancellation.
 * @throws RegistryError `TIMEOUT`, and what the list throws
 */
export async function* answeredInTime<Item>(
  open: (signal: AbortSignal) => AsyncIterable<Item>,
  { ms, signal, what }: TimeLimit,
): AsyncGenerator<Item> {
  if (ms === 0) return yield* open(signal);
  const leave = new AbortController();
  const items = open(AbortSignal.any([signal, leave.signal]))[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await inTime(items.next(), ms, what);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    leave.abort();
    items.return?.()?.catch(() => {}); // not waited for: what does not answer may not end either
  }
}

async function inTime<T>(work: Promise<T>, ms: number, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => {
      const message = `${what} gave no answer for ${ms} ms`;
      late.reject(new RegistryError("TIMEOUT", message, { registry: what, reference: what, idleMs: ms }));
    },
    Math.min(ms, longestTimerMs),
  );
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
