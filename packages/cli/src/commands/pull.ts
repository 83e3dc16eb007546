import { BundleDirectory, pull } from "@tranship/core";
import { Command } from "commander";
import { readBase } from "../base-file.ts";
import { type ChecksumFlags, checksumsOf, withChecksumFlags } from "../checksum-flags.ts";
import { type ChunkFlags, chunkBytesOf, withChunkFlags } from "../chunk-flags.ts";
import type { CliContext, RegistryFlags } from "../context.ts";
import { type BaseFlags, checkRegistryFlags, withBaseFlag, withRegistryFlags } from "../flags.ts";
import { openSource } from "../place.ts";
import { pullSummary } from "../print/summaries.ts";
import { type SelectionFlags, servicesFor, withSelectionFlags } from "../selection-flags.ts";

interface PullFlags {
  readonly source: string;
  readonly restart?: boolean;
}

/** `tranship pull`: flags in, one core call, a report out. */
export function pullCommand(context: CliContext): Command {
  const command = new Command("pull")
    .description("copy packages and modules from a registry into a bundle; run again, it goes on where it stopped")
    .argument("<bundle>", "the bundle's folder; made if missing")
    .requiredOption(
      "--source <place>",
      "registry and path, e.g. registry.example.com/deckhouse/fe; or oci:DIR, bundle:DIR",
    )
    .option("--restart", "plan anew instead of finishing an interrupted pull; bytes already here are used again");
  return withRegistryFlags(withBaseFlag(withSelectionFlags(withChecksumFlags(withChunkFlags(command))))).action(
    async (
      folder: string,
      flags: RegistryFlags & SelectionFlags & BaseFlags & ChunkFlags & ChecksumFlags & PullFlags,
    ) => {
      checkRegistryFlags(flags);
      const [chunkBytes, checksums] = [chunkBytesOf(flags), checksumsOf(flags)];
      const base = await readBase(flags.base);
      await using source = await openSource(flags.source, flags, context);
      const services = servicesFor(source, flags);
      const directory = folder.replace(/^bundle:/, "");
      await using bundle = await BundleDirectory.open(directory, { restart: flags.restart, chunkBytes, checksums });
      const report = await pull(services, { to: bundle, base, signal: context.signal, onEvent: context.onEvent });
      context.output.report("pull", { ...report }, pullSummary(report, directory));
    },
  );
}
