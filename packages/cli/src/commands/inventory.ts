import { formatInventory, type Inventory, inventoryOf, joinInventories, takeInventory } from "@tranship/core";
import { Command } from "commander";
import { readPlan } from "../base-file.ts";
import { withConfigFlags } from "../config/config-flags.ts";
import type { CliContext, RegistryFlags } from "../context.ts";
import { checkRegistryFlags, withRegistryFlags } from "../flags/flags.ts";
import { requireOutputFile, writeOutputFile } from "../output-file.ts";
import { isThere, openReader, parseCliPlace } from "../place.ts";
import { inventorySummary } from "../print/summaries.ts";
import { UsageError } from "../usage-error.ts";

interface InventoryFlags extends RegistryFlags {
  readonly plan?: string;
  readonly output?: string;
}

/** `tranship inventory`: what a place has, for a pull elsewhere to leave out. */
export function inventoryCommand(context: CliContext): Command {
  const command = new Command("inventory")
    .description("list the layers a place has already, for pull --base to leave out")
    .argument(
      "[place...]",
      "bundle:DIR, oci:DIR or registry:HOST/PATH; a bare word is an existing folder, else a registry",
    )
    .option(
      "--plan <file>",
      "a plan file or a bundle's tranship.lock.json: alone, what whoever took it in has; with a place, the only repositories to look into",
    )
    .option("-o, --output <file>", "write the inventory to a file; without, or as -, to standard output");
  return withConfigFlags(withRegistryFlags(command)).action(
    async (places: readonly string[], flags: InventoryFlags) => {
      checkRegistryFlags(flags);
      await requireOutputFile("--output", flags.output);
      const inventory = await inventoryFor(places, flags, context);
      const text = formatInventory(inventory);
      if (flags.output === "-") return context.output.text(text);
      if (flags.output !== undefined) await writeOutputFile("--output", flags.output, text);
      const summary = flags.output === undefined ? text.trimEnd() : inventorySummary(inventory, flags.output);
      context.output.report("inventory", { ...inventory }, summary);
    },
  );
}

async function inventoryFor(places: readonly string[], flags: InventoryFlags, context: CliContext): Promise<Inventory> {
  const { list } = flags.plan === undefined ? {} : await readPlan(flags.plan);
  if (places.length === 0) {
    if (list) return { ...inventoryOf(list), place: flags.plan ?? "" };
    throw new UsageError("there is nothing to list: give a place, or --plan FILE");
  }
  const paths = list?.archives.flatMap(({ sections }) =>
    sections.flatMap(({ repositories }) => repositories.map(({ path }) => path)),
  );
  const { signal, onEvent } = context;
  const taken: Inventory[] = [];
  for (const text of places) {
    await using place = await openReader(parseCliPlace(text, isThere), flags, context);
    taken.push(await takeInventory(place, { signal, onEvent, paths }));
  }
  return joinInventories(taken);
}
