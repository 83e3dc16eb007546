import type { ChecksumKind } from "@tranship/core";
import { type Command, InvalidArgumentError, Option } from "commander";

/** The flags of {@link withChecksumFlags}. */
export interface ChecksumFlags {
  readonly checksums: readonly ChecksumKind[];
  readonly gostDigest?: boolean;
}

/** Adds `--checksums`, and `--gost-digest` as `d8 mirror` calls the one of them it has. */
export function withChecksumFlags(command: Command): Command {
  return command
    .optionsGroup("Bundle files:")
    .addOption(
      new Option(
        "--checksums <sha256|gost>",
        "write a checksum beside every archive or chunk: .sha256, or .gostsum (GOST R 34.11-2012, 256 bits); repeatable",
      )
        .argParser(collectKind)
        .default([]),
    )
    .option("--gost-digest", "the same as --checksums gost");
}

/** The checksums that the flags ask for. */
export function checksumsOf({ checksums, gostDigest }: ChecksumFlags): readonly ChecksumKind[] {
  return gostDigest ? [...checksums, "gost"] : checksums;
}

function collectKind(value: string, before: readonly ChecksumKind[]): readonly ChecksumKind[] {
  if (value === "sha256" || value === "gost") return [...before, value];
  throw new InvalidArgumentError("write sha256 or gost");
}
