import { isMirrorError } from "@tranship/core";
import { isRegistryError } from "@tranship/registry";
import { CommanderError } from "commander";
import { isDepsFailure } from "./deps-failure.ts";
import { isRootfsFailure } from "./rootfs-failure.ts";

/** What each exit code means, for `--help`. */
export const exitCodesHelp: string = "\nExit codes: 0 done, 1 failed, 2 wrong usage, 3 with findings, 130 interrupted.";

/** The exit code of a failed command: 2 for what was asked wrongly, 1 for what went wrong; 0 where only help was asked for. */
export function exitCodeOf(error: unknown): 0 | 1 | 2 {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof Error && error.name === "UsageError") return 2;
  if (error instanceof Error && error.name === "ConfigError") return 2;
  if (isMirrorError(error, "SELECTION_INVALID")) return 2;
  if (isRootfsFailure(error) && error.code === "REFERENCE_INVALID") return 2;
  if (isDepsFailure(error) && ["ARCH_UNSUPPORTED", "SELECTION_INVALID"].includes(error.code)) return 2;
  return isRegistryError(error, "INVALID_REFERENCE") ? 2 : 1;
}
