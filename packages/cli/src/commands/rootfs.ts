import { Command } from "commander";
import type { CliContext } from "../context.ts";
import { type RootfsFlags, withRootfsFlags } from "../flags/rootfs-flags.ts";

/** `tranship rootfs`: an image as a directory, a tar archive or an ext4 image. */
export function rootfsCommand(context: CliContext): Command {
  const command = new Command("rootfs")
    .description("make the root file system of an image: a directory, a tar archive or an ext4 image")
    .argument(
      "[reference]",
      "the image: by itself, such as alpine:3.20 or ghcr.io/org/app@sha256:…, or by its name in --source; may be left out where that has only one",
    )
    .addHelpText(
      "after",
      "\nNeeds no root. A directory then lacks owners and devices, as a file beside it\nsays; archives and images lack nothing.",
    );
  return withRootfsFlags(command).action(async (reference: string | undefined, flags: RootfsFlags) => {
    const { makeRootfs } = await import("../rootfs/make-rootfs.ts"); // what it needs, no other command does
    await makeRootfs(reference, flags, context, (option) => command.getOptionValueSource(option) === "cli");
  });
}
