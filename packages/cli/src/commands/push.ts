import { Bundle, pushBundle } from "@tranship/core";
import { Command } from "commander";
import type { CliContext, RegistryFlags } from "../context.ts";
import { checkRegistryFlags, withRegistryFlags } from "../flags.ts";
import { openTarget } from "../place.ts";
import { pushSummary } from "../print/summaries.ts";

/** `tranship push`: a bundle's archives into a registry. */
export function pushCommand(context: CliContext): Command {
  const command = new Command("push")
    .description("copy a bundle into a registry; what is there already is not sent again")
    .argument("<bundle>", "the bundle's folder")
    .argument(
      "<place>",
      "registry and path, e.g. mirror.internal/deckhouse/fe; or oci:DIR, a directory of image layouts",
    )
    .option("--dry-run", "ask the registry what it lacks, send nothing");
  return withRegistryFlags(command).action(
    async (folder: string, place: string, flags: RegistryFlags & { readonly dryRun?: boolean }) => {
      checkRegistryFlags(flags);
      await using target = await openTarget(place, flags, context);
      const { signal, onEvent } = context;
      await using bundle = await Bundle.open(folder.replace(/^bundle:/, ""), { signal, onEvent });
      const report = await pushBundle(bundle, target, { signal, onEvent, dryRun: flags.dryRun ?? false });
      context.output.report("push", { ...report }, pushSummary(report, target.name, flags.dryRun ?? false));
    },
  );
}
