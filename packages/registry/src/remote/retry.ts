import { classifyFailure, isRegistryError } from "../errors.ts";
import { longestTimerMs, sleep } from "./sleep.ts";
import { finalProxyReasons } from "./transport/proxy-error.ts";

/** Options of {@link withRetry}. */
export interface RetryOptions {
  /** How often in a row the work may fail at most. @defaultValue 5 */
  readonly attempts?: number | undefined;
  /** The pause before the second try, in milliseconds; it doubles from try to try, up to 30 s. @defaultValue 500 */
  readonly delayMs?: number | undefined;
  /**
   * How long to wait in all because the registry said so with `Retry-After`, in milliseconds. Such a wait of a second
   * or more uses up no try; being asked for more than is left ends the call at once. @defaultValue 300 000: five minutes
   */
  readonly throttleWaitMs?: number | undefined;
  /** How far the work has come, in any unit. A try that moved it is the first of a new row. @defaultValue never moved */
  readonly progress?: (() => number) | undefined;
  /** Ends the pauses; the call then rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Told of every try that failed and will be repeated after `delayMs`; `attempt` counts all tries, from 1. */
  readonly onRetry?: ((error: unknown, attempt: number, delayMs: number) => void) | undefined;
  /** Whether failure number `attempt` of a row may pass. @defaultValue transient and throttled ones */
  readonly shouldRetry?: ((error: unknown, attempt: number) => boolean) | undefined;
}

/** How long a call waits in all because the registry said so, unless told otherwise: five minutes, in milliseconds. */
export const defaultThrottleWaitMs: number = 5 * 60_000;

const longestDelayMs = 30_000;

/** Asking for less than this is no appointment: it uses up a try, or "now" for ever would be asked for ever. */
const leastAppointmentMs = 1000;

/** Hosts that are not there rarely appear while we wait: two more looks are enough. */
const attemptsForNobodyThere = 3;

/** 501 Not Implemented and 505 HTTP Version Not Supported: the same request will never do. */
const lastingStatuses: readonly number[] = [501, 505];

/**
 * Does `attempt` until it works or will not: exponential pauses with jitter, never shorter than what the registry asked
 * for with `Retry-After`. Gives what `attempt` gave; throws what its last try threw.
 */
export async function withRetry<T>(attempt: (n: number) => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { attempts = 5, delayMs = 500, throttleWaitMs = defaultThrottleWaitMs } = options;
  const { progress, signal, onRetry, shouldRetry = mayPass } = options;
  let patienceMs = Math.min(throttleWaitMs, longestTimerMs);
  let failures = 0;
  let reached = progress?.();
  for (let n = 1; ; n += 1) {
    signal?.throwIfAborted();
    try {
      return await attempt(n);
    } catch (error) {
      signal?.throwIfAborted();
      const before = reached;
      reached = progress?.();
      if (reached !== before) failures = 0;
      const askedMs = retryAfterOf(error) ?? 0;
      if (askedMs < leastAppointmentMs) failures += 1;
      if (failures >= attempts || askedMs > patienceMs || !shouldRetry(error, Math.max(1, failures))) throw error;
      patienceMs -= askedMs;
      const pauseMs = Math.max(askedMs, backOffMs(failures, delayMs));
      onRetry?.(error, n, pauseMs);
      await sleep(pauseMs, signal);
    }
  }
}

/** Whether a failure is transient or throttled, so that the same request may work later. */
export function mayPass(error: unknown, attempt: number): boolean {
  const failure = classifyFailure(error);
  if (failure !== "transient" && failure !== "throttled") return false;
  if (isRegistryError(error, "NETWORK") && finalProxyReasons.has(error.details.reason)) return false;
  if (isRegistryError(error, "SERVER_ERROR") && lastingStatuses.includes(error.details.status)) return false;
  return !isNobodyThere(error) || attempt < attemptsForNobodyThere;
}

/** What the registry asked for with `Retry-After`, in milliseconds. */
export function retryAfterOf(error: unknown): number | undefined {
  if (isRegistryError(error, "RATE_LIMITED") || isRegistryError(error, "SERVER_ERROR")) {
    return error.details.retryAfterMs;
  }
  return undefined;
}

function backOffMs(failures: number, delayMs: number): number {
  const ideal = Math.min(delayMs * 2 ** Math.max(0, failures - 1), longestDelayMs);
  // half fixed, half random: clients that failed together do not come back together
  return Math.round(ideal / 2 + Math.random() * (ideal / 2));
}

function isNobodyThere(error: unknown): boolean {
  return (
    isRegistryError(error, "NETWORK") &&
    ["ENOTFOUND", "ECONNREFUSED", "PROXY_UNREACHABLE"].includes(error.details.reason)
  );
}
