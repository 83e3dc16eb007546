import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { Bundle, parseDownloadList, type VerifyReport, verify, verifyBundle } from "@tranship/core";
import { Command } from "commander";
import type { CliContext, RegistryFlags } from "../context.ts";
import { checkRegistryFlags, withRegistryFlags } from "../flags.ts";
import { openReader, parseCliPlace } from "../place.ts";
import { verifySummary } from "../print/summaries.ts";
import { UsageError } from "../usage-error.ts";

/** `tranship verify`: every digest of a bundle, or of a registry against a plan. */
export function verifyCommand(context: CliContext): Command {
  const command = new Command("verify")
    .description("read everything and hash it: a bundle by itself, a registry or image layouts against a plan")
    .argument(
      "<place>",
      "bundle:DIR, oci:DIR or registry:HOST/PATH; a bare word is an existing folder, else a registry",
    )
    .option("--plan <file>", "what a registry must hold: a plan file or a bundle's tranship.lock.json");
  return withRegistryFlags(command).action(async (place: string, flags: RegistryFlags & { readonly plan?: string }) => {
    checkRegistryFlags(flags);
    const { signal, onEvent } = context;
    const where = parseCliPlace(place, existsSync);
    let report: VerifyReport;
    if (where.kind === "bundle") {
      await using bundle = await Bundle.open(where.directory, { signal, onEvent });
      report = await verifyBundle(bundle, { signal, onEvent });
      if (flags.plan !== undefined) {
        const list = parseDownloadList(await readFile(flags.plan, "utf8"), flags.plan);
        const against = await verify(bundle, list, { signal, onEvent });
        report = { ...report, ok: report.ok && against.ok, findings: [...report.findings, ...against.findings] };
      }
    } else {
      if (flags.plan === undefined) throw new UsageError(`${place} is verified against a plan: give --plan FILE`);
      const list = parseDownloadList(await readFile(flags.plan, "utf8"), flags.plan);
      await using registry = await openReader(where, flags, context);
      report = await verify(registry, list, { signal, onEvent });
    }
    context.output.report("verify", { ...report }, verifySummary(report, place));
    if (!report.ok) context.exitWith(3);
  });
}
