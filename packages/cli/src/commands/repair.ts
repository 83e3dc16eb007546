import { repairBundle } from "@tranship/core";
import { Command } from "commander";
import type { CliContext, RegistryFlags } from "../context.ts";
import { checkRegistryFlags, withRegistryFlags } from "../flags.ts";
import { openSource } from "../place.ts";
import { repairSummary } from "../print/upkeep-summaries.ts";

/** `tranship repair`: fetches what is damaged in a bundle, and nothing else. */
export function repairCommand(context: CliContext): Command {
  const command = new Command("repair")
    .description("make a damaged bundle what its lock file says; only what is damaged is fetched")
    .argument("<bundle>", "the bundle's folder")
    .requiredOption(
      "--source <place>",
      "where to fetch from: the registry the bundle was pulled from or a mirror of it; or oci:DIR, bundle:DIR",
    );
  return withRegistryFlags(command).action(
    async (folder: string, flags: RegistryFlags & { readonly source: string }) => {
      checkRegistryFlags(flags);
      const directory = folder.replace(/^bundle:/, "");
      await using source = await openSource(flags.source, flags, context);
      const { signal, onEvent } = context;
      const report = await repairBundle(directory, { source, signal, onEvent });
      context.output.report("repair", { ...report }, repairSummary(report, directory));
    },
  );
}
