import { lockOfBundle, repairBundle } from "@tranship/core";
import { Command } from "commander";
import { withConfigFlags } from "../config/config-flags.ts";
import type { CliContext, RegistryFlags } from "../context.ts";
import { inFlightOf } from "../flags/connection-flags.ts";
import { checkRegistryFlags, withSourceAccessFlags } from "../flags/flags.ts";
import { type SourceFlag, withSourceFlag } from "../flags/source-flag.ts";
import { repairSummary } from "../print/upkeep-summaries.ts";
import { Sources } from "../sources.ts";
import { UsageError } from "../usage-error.ts";

/** `tranship repair`: fetches what is damaged in a bundle, and nothing else. */
export function repairCommand(context: CliContext): Command {
  const command = new Command("repair")
    .description("make a damaged bundle what its lock file says; only what is damaged is fetched")
    .argument("[bundle]", "the bundle's folder; a configuration may name it");
  const from =
    "where to fetch from: the registry the bundle was pulled from or a mirror of it; or oci:DIR, bundle:DIR; else the hosts its lock names";
  return withConfigFlags(withSourceAccessFlags(withSourceFlag(command, from))).action(
    async (folder: string | undefined, flags: RegistryFlags & SourceFlag) => {
      checkRegistryFlags(flags);
      if (folder === undefined)
        throw new UsageError("repair takes 1 argument, the bundle's folder, unless bundle: in tranship.yaml names it");
      const directory = folder.replace(/^bundle:/, "");
      await using sources = new Sources(flags, context);
      const source = await sources.ofList(lockOfBundle(directory));
      const { signal, onEvent } = context;
      const startedMs = performance.now();
      const report = await repairBundle(directory, { source, signal, onEvent, inFlight: inFlightOf(flags) });
      context.output.report("repair", { ...report }, repairSummary(report, directory, performance.now() - startedMs));
    },
  );
}
