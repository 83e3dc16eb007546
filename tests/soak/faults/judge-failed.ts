import { type FiredFaults, failureFaults, registryCodeOf } from "./failure-judge.ts";
import type { Attempt, FaultRun } from "./fault-run.ts";
import type { ClientPatience } from "./proxied-home.ts";

/** Holds a failure against the faults that happened. */
export function judgeFailed(
  run: FaultRun,
  { error, sinceMs }: Extract<Attempt<unknown>, { readonly outcome: "failed" }>,
  fired: FiredFaults,
  { idleTimeoutMs }: ClientPatience,
): void {
  run.judgeFailure(failureFaults(error, fired), registryCodeOf(error), sinceMs, idleTimeoutMs);
}
