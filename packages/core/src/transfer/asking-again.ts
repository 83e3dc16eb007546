import { classifyFailure, isRegistryError, withRetry } from "@tranship/registry";

/** How patiently a source is asked. */
export interface Patience {
  readonly signal: AbortSignal;
  /** Tries before giving up. @defaultValue 5 */
  readonly attempts?: number | undefined;
  /** The pause before the second try, in milliseconds; it doubles from try to try. @defaultValue 500 */
  readonly delayMs?: number | undefined;
}

/**
 * Asks a source again where its client does not: what arrived damaged may arrive whole, and a reader that is no client of
 * ours may run into a time limit of its own. What the client has tried often enough is not tried again.
 */
export function askingAgain<Answer>(ask: () => Promise<Answer>, patience: Patience): Promise<Answer> {
  return withRetry(ask, { ...patience, shouldRetry: mayBeBetter });
}

/** Whether bytes were not those that were announced. */
export function isDamaged(error: unknown): boolean {
  return classifyFailure(error) === "corrupt";
}

function mayBeBetter(error: unknown): boolean {
  return isDamaged(error) || (classifyFailure(error) === "transient" && !isRegistryError(error));
}
