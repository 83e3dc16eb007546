import { type Command, Option } from "commander";
import { withConfigFlags } from "../config/config-flags.ts";
import type { RegistryFlags } from "../context.ts";
import { withSourceAccessFlags } from "./flags.ts";
import { repeatable } from "./repeatable.ts";

/** What a root file system is written as. */
export type RootfsFormat = "dir" | "tar" | "ext4";

/** What the formats are called, for people. */
export const formatNames: Readonly<Record<RootfsFormat, string>> = {
  dir: "a directory",
  tar: "a tar archive",
  ext4: "an ext4 image",
};

/** Flags of `tranship rootfs`. */
export interface RootfsFlags extends RegistryFlags {
  readonly source?: string;
  /** What the configuration says, which is where packages come from and not where this image does. */
  readonly configuredSource?: string;
  readonly output: string;
  readonly format?: RootfsFormat;
  readonly replace?: boolean;
  readonly platform?: string;
  readonly hook: readonly string[];
  readonly dryRun?: boolean;
  readonly size?: string;
  readonly journal?: boolean;
  readonly layerCache?: string;
  readonly jobs?: string;
  readonly mode?: "native" | "dockerless" | "docker";
  readonly limit: readonly string[];
  readonly json?: boolean;
}

/** Adds the flags of {@link RootfsFlags}. */
export function withRootfsFlags(command: Command): Command {
  const own = command
    .requiredOption(
      "-o, --output <file>",
      "what is written: a directory, FILE.tar or FILE.ext4; - for a tar archive on standard output",
    )
    .addOption(
      new Option("--format <kind>", "what it is, where its name does not tell").choices(["dir", "tar", "ext4"]),
    )
    .option("--replace", "put it in place of what is there, once all of it is written")
    .option("--platform <os/arch>", "of an image for several platforms this one (default: linux on this machine)")
    .addOption(
      repeatable(
        "--hook <file>",
        "a JavaScript or TypeScript module that edits the files first; it is code that runs with your rights",
      ),
    )
    .option("--dry-run", "find the image and say what would be fetched; write nothing")
    .optionsGroup("The image's place:")
    .option(
      "--source <place>",
      "where the image is: bundle:DIR, oci:DIR, docker-archive:FILE, or a registry and path its name continues",
    )
    .addOption(
      new Option(
        "--mode <how>",
        "who reads an image of a registry: this program, skopeo and umoci, or a Docker daemon (default: native)",
      ).choices(["native", "dockerless", "docker"]),
    )
    .optionsGroup("An ext4 image:")
    .option(
      "--size <size>",
      "how large it is, such as 2GiB, rounded up to 2 MiB (default: as small as holds the files)",
    )
    .option("--journal", "with a journal, for a guest that writes to it")
    .optionsGroup("On this machine:")
    .option("--layer-cache <folder>", "keep the layers that are fetched there, and take those that are")
    .option("--jobs <n>", "layers fetched at once (default: 6)")
    .addOption(
      repeatable(
        "--limit <name=value>",
        "another ceiling on what the image may ask of this machine, such as entries=8000000 or unpacked-bytes=512GiB",
      ),
    );
  return withConfigFlags(withSourceAccessFlags(own));
}
