import { basename, resolve } from "node:path";
import { diffInspections, type Inspection, inspectBundle } from "@tranship/core";
import { Command } from "commander";
import type { CliContext } from "../context.ts";
import { requireOutputFile, writeOutputFile } from "../output-file.ts";
import { type CliPlace, openLocal, parseCliPlaces, perhapsMisspelt } from "../place.ts";
import { diffTable } from "../print/diff-table.ts";
import { inspectSummary } from "../print/inspect-summary.ts";
import { reportPage } from "../report-page/report-page.ts";
import { UsageError } from "../usage-error.ts";

interface InspectFlags {
  readonly depth?: number;
  readonly tags?: boolean;
  readonly layers?: boolean;
  readonly against?: string;
  readonly html?: string;
}

/** `tranship inspect`: what bundles hold, as a tree or as a page. */
export function inspectCommand(context: CliContext): Command {
  return new Command("inspect")
    .description("show what a bundle holds: images, platforms, sizes, what they share, what is lacking")
    .argument(
      "<place...>",
      "bundle:DIR, archives or chunks of them, several together; or oci:DIR; a bare word is a bundle",
    )
    .option("--depth <n>", "1 repositories, 2 images (the default), 3 what indexes list, 4 layers", parseDepth)
    .option("--tags", "list every image and every tag, however many")
    .option("--layers", "list the layers of every image; the same as --depth 4")
    .option("--against <place>", "tell what has changed since another bundle: tags and bytes")
    .option("--html <file>", "write it as one HTML page that needs no network; - for standard output")
    .action(async (places: readonly string[], flags: InspectFlags) => {
      await requireOutputFile("--html", flags.html);
      const inspection = await inspectPlace(places, context);
      const before = flags.against === undefined ? undefined : await inspectPlace([flags.against], context);
      const changes = before && {
        against: titleOf([flags.against ?? ""]),
        diff: diffInspections(before, inspection),
      };
      const page = flags.html === undefined ? "" : reportPage(inspection, { title: titleOf(places), changes });
      if (flags.html === "-") return context.output.text(page);
      if (flags.html !== undefined) await writeOutputFile("--html", flags.html, page);
      const { tags: allTags, layers, depth = layers ? 4 : 2 } = flags;
      const parts = [
        inspectSummary(inspection, { depth, allTags, columns: context.columns }),
        ...(changes ? [`\nsince ${changes.against}:\n${diffTable(changes.diff)}`] : []),
        ...(flags.html === undefined ? [] : [`page written to ${flags.html}`]),
      ];
      const report = { ...inspection, ...(changes ? { changes: changes.diff } : {}) };
      context.output.report("inspect", report, parts.join("\n"));
    });
}

async function inspectPlace(texts: readonly string[], context: CliContext): Promise<Inspection> {
  const place: CliPlace = parseCliPlaces(texts);
  if (place.kind === "registry") {
    throw new UsageError(perhapsMisspelt(texts, "only what is on this machine is inspected: give a bundle or oci:DIR"));
  }
  await using reader = await openLocal(place, context);
  return await inspectBundle(reader, { signal: context.signal });
}

/** What people call the places: the names of folders and archives, not where they lie. */
function titleOf(places: readonly string[]): string {
  return places.map((place) => basename(resolve(place.replace(/^(?:bundle|oci):/, "")))).join(" + ");
}

function parseDepth(text: string): number {
  if (/^[1-4]$/.test(text)) return Number(text);
  throw new UsageError(`--depth: cannot read ${JSON.stringify(text.slice(0, 40))}: give a number from 1 to 4`);
}
