import { isMirrorError, ModulesService, PackagesService, type Planner, plan } from "@tranship/core";
import type { MemoryRegistry, RegistryReader } from "@tranship/registry";
import fc from "fast-check";
import { buildCatalog, catalogPlan } from "../../property/random-catalog.ts";

/** Large enough that a body comes in many pieces, in bytes. */
const largeLayers = [300_000, 700_000];

/**
 * A random catalog that can be mirrored as a whole; the same seed gives the same bytes.
 * @param layerBytes a layer has so many; others are small
 */
export async function soakContent(seed: number, layerBytes?: number): Promise<MemoryRegistry> {
  for (let attempt = 0; ; attempt += 1) {
    const [sample] = fc.sample(catalogPlan, { seed: seed + attempt * 1_000_003, numRuns: 1 });
    if (!sample) throw new Error("no catalog was made");
    const large = layerBytes ?? largeLayers[seed % (largeLayers.length * 2)];
    const layerSizes = large === undefined ? sample.layerSizes : [large, ...sample.layerSizes];
    const content = buildCatalog({ ...sample, layerSizes });
    if (await canBeMirrored(content)) return content;
  }
}

/** Asks for everything that a source has. */
export function everything(source: RegistryReader): readonly Planner[] {
  return [new PackagesService({ source }), new ModulesService({ source })];
}

/** Some catalogs name what is not there, or hold what cannot be read. */
async function canBeMirrored(content: RegistryReader): Promise<boolean> {
  try {
    const { archives } = await plan(everything(content));
    return archives.length > 0;
  } catch (error) {
    if (isMirrorError(error)) return false;
    throw error;
  }
}
