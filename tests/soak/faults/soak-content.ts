import { isMirrorError, ModulesService, PackagesService, type Planner, plan } from "@tranship/core";
import type { MemoryRegistry, RegistryReader } from "@tranship/registry";
import fc from "fast-check";
import { buildCatalog, catalogPlan } from "../../property/random-catalog.ts";

/** Large enough that a body comes in many pieces, in bytes. */
const largeLayers = [300_000, 700_000];

/**
 * A random catalog that can be mirrored as a whole; the same seed gives the same bytes.
 * @param layerBytes a layer of what is mirrored has so many; others are small
 */
export async function soakContent(seed: number, layerBytes?: number): Promise<MemoryRegistry> {
  for (let attempt = 0; ; attempt += 1) {
    const [sample] = fc.sample(catalogPlan, { seed: seed + attempt * 1_000_003, numRuns: 1 });
    if (!sample) throw new Error("no catalog was made");
    const large = layerBytes ?? largeLayers[seed % (largeLayers.length * 2)];
    const others = layerBytes === undefined ? sample.layerSizes : sample.layerSizes.slice(0, 1); // else few images had it
    const layerSizes = large === undefined ? others : [large, ...others];
    const content = buildCatalog({ ...sample, layerSizes });
    if (await canBeMirrored(content, layerBytes)) return content;
  }
}

/** Asks for everything that a source has. */
export function everything(source: RegistryReader): readonly Planner[] {
  return [new PackagesService({ source }), new ModulesService({ source })];
}

/** Some catalogs name what is not there, or hold what cannot be read; and of some, nothing that large is mirrored. */
async function canBeMirrored(content: RegistryReader, layerBytes = 0): Promise<boolean> {
  try {
    const { archives } = await plan(everything(content));
    const repositories = archives.flatMap(({ sections }) => sections.flatMap((section) => section.repositories));
    return repositories.some(({ blobs }) => blobs.some(({ size }) => size >= layerBytes));
  } catch (error) {
    if (isMirrorError(error)) return false;
    throw error;
  }
}
