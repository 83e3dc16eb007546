import { setTimeout as sleep } from "node:timers/promises";
import { classifyFailure, isRegistryError } from "../errors.ts";

/** Options of {@link withRetry}. */
export interface RetryOptions {
  /** How often the work is tried at most. @defaultValue 5 */
  readonly attempts?: number | undefined;
  /** The pause before the second try, in milliseconds; it doubles from try to try, up to 30 s. @defaultValue 500 */
  readonly delayMs?: number | undefined;
  /** Ends the pauses; the call then rejects with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Told of every try that failed and will be repeated after `delayMs`; `attempt` counts from 1. */
  readonly onRetry?: ((error: unknown, attempt: number, delayMs: number) => void) | undefined;
  /** Whether the failure of try number `attempt` may pass. @defaultValue {@link mayPass} */
  readonly shouldRetry?: ((error: unknown, attempt: number) => boolean) | undefined;
}

const longestDelayMs = 30_000;

/** A registry that asks for more patience than this is asked again all the same, in milliseconds. */
export const longestRetryAfterMs: number = 5 * 60_000;

/** Hosts that are not there rarely appear while we wait: two more looks are enough. */
const attemptsForNobodyThere = 3;

/**
 * Does `attempt` until it works or will not: exponential pauses with jitter, never shorter than what a registry asked
 * for with `Retry-After` (honoured up to five minutes). Gives what `attempt` gave; throws what its last try threw.
 */
export async function withRetry<T>(attempt: (n: number) => Promise<T>, options: RetryOptions = {}): Promise<T> {
  const { attempts = 5, delayMs = 500, signal, onRetry, shouldRetry = mayPass } = options;
  for (let n = 1; ; n += 1) {
    signal?.throwIfAborted();
    try {
      return await attempt(n);
    } catch (error) {
      signal?.throwIfAborted();
      if (n >= attempts || !shouldRetry(error, n)) throw error;
      const pauseMs = pauseBefore(error, n, delayMs);
      onRetry?.(error, n, pauseMs);
      await pause(pauseMs, signal);
    }
  }
}

/** Whether a failure is transient or throttled, so that the same request may work later. */
export function mayPass(error: unknown, attempt: number): boolean {
  const failure = classifyFailure(error);
  if (failure !== "transient" && failure !== "throttled") return false;
  return !isNobodyThere(error) || attempt < attemptsForNobodyThere;
}

/** What the registry asked for with `Retry-After`, in milliseconds. */
export function retryAfterOf(error: unknown): number | undefined {
  if (isRegistryError(error, "RATE_LIMITED") || isRegistryError(error, "SERVER_ERROR")) {
    return error.details.retryAfterMs;
  }
  return undefined;
}

function pauseBefore(error: unknown, attempt: number, delayMs: number): number {
  const ideal = Math.min(delayMs * 2 ** (attempt - 1), longestDelayMs);
  // half fixed, half random: clients that failed together do not come back together
  const jittered = Math.round(ideal / 2 + Math.random() * (ideal / 2));
  return Math.max(jittered, Math.min(retryAfterOf(error) ?? 0, longestRetryAfterMs));
}

async function pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(delayMs, undefined, signal && { signal });
  } catch (error) {
    signal?.throwIfAborted(); // the caller's own reason, not the timer's AbortError around it
    throw error;
  }
}

function isNobodyThere(error: unknown): boolean {
  return isRegistryError(error, "NETWORK") && ["ENOTFOUND", "ECONNREFUSED"].includes(error.details.reason);
}
