import type { RootfsError } from "@tranship/core/rootfs";

/** Whether an error is one of root file systems, told without loading what makes them. */
export function isRootfsFailure(error: unknown): error is RootfsError {
  return error instanceof Error && error.name === "RootfsError";
}
