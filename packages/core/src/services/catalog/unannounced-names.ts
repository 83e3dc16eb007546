import type { RegistryReader } from "@tranship/registry";
import type { UnannouncedSource } from "../../bundle/unannounced.ts";
import { type DiscoveryNames, discoveryNames } from "../../push/discovery-names.ts";
import type { Catalog } from "./catalog.ts";

/**
 * The names that a push of this source would announce in a catalog whose repository is `root`; `undefined` when there are
 * none, and of a source that has to be asked for its catalog.
 */
export async function unannouncedNames(
  source: RegistryReader & Partial<UnannouncedSource>,
  root: string,
  { metadata }: Catalog,
  signal: AbortSignal,
): Promise<DiscoveryNames | undefined> {
  if (!source.isUnannounced) return undefined;
  const [found] = discoveryNames(await Array.fromAsync(source.repositories({ signal })), [{ root, metadata }]);
  return found && found.names.length + found.metadataOnly.length > 0 ? found : undefined;
}
