import type { DepsError } from "@tranship/core/deps";

/** Whether an error is one of dependency caches, told without loading what fills them. */
export function isDepsFailure(error: unknown): error is DepsError {
  return error instanceof Error && error.name === "DepsError";
}
