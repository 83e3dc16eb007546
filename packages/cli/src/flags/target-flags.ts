import type { OnConflict } from "@tranship/core";
import { type Command, Option } from "commander";
import type { Environment } from "../environment.ts";

/** Flags of a command that writes images into a registry. */
export interface TargetFlags {
  readonly onConflict: OnConflict;
  readonly writeProbe: boolean;
}

/** Adds the flags of {@link TargetFlags}. */
export function withTargetFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--on-conflict <what>", "what becomes of a tag that names another image at the target")
        .choices(["overwrite", "skip", "fail"])
        .default("overwrite"),
    )
    .option(
      "--no-write-probe",
      "do not try first whether the target can be written; MIRROR_BYPASS_ACCESS_CHECKS=1 too",
    );
}

/** Whether it is tried first that the target can be written. */
export function wantsProbe({ writeProbe }: TargetFlags, { MIRROR_BYPASS_ACCESS_CHECKS }: Environment): boolean {
  return writeProbe && MIRROR_BYPASS_ACCESS_CHECKS !== "1";
}
