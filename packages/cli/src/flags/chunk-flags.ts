import { minChunkBytes } from "@tranship/core";
import type { Command } from "commander";
import { UsageError } from "../usage-error.ts";
import { parseByteSize } from "./byte-size.ts";

/** The flags of {@link withChunkFlags}. */
export interface ChunkFlags {
  readonly chunkSize?: string;
  readonly imagesBundleChunkSize?: string;
}

/** Adds `--chunk-size`, and the same in the unit that `d8 mirror` takes. */
export function withChunkFlags(command: Command): Command {
  return command
    .optionsGroup("Bundle files:")
    .option("--chunk-size <size>", "split archives into files of at most this size, such as 700MB, 4GB or 4GiB")
    .option("-c, --images-bundle-chunk-size <n>", "the same in gigabytes of 10^9 bytes; 0 for whole archives");
}

/** The size of chunks that the flags ask for, in bytes; `undefined` when archives are not to be split. @throws UsageError */
export function chunkBytesOf({ chunkSize, imagesBundleChunkSize: gigabytes }: ChunkFlags): number | undefined {
  if (chunkSize !== undefined && gigabytes !== undefined) {
    throw new UsageError("--chunk-size and --images-bundle-chunk-size say the same thing: give one of them");
  }
  if (chunkSize !== undefined) return parseByteSize(chunkSize, "--chunk-size", minChunkBytes);
  if (gigabytes === undefined || gigabytes === "0") return undefined;
  if (!/^[1-9][0-9]{0,5}$/.test(gigabytes)) {
    throw new UsageError(`--images-bundle-chunk-size ${gigabytes}: write it as a whole number of gigabytes`);
  }
  return Number(gigabytes) * 1_000_000_000;
}
