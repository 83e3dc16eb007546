import type { Place } from "../oci/reference.ts";
import type { HttpClient } from "./http-client.ts";
import type { RemoteRegistry } from "./http-registry.ts";

/** What a registry on a remote host is made of. */
export interface RegistryParts {
  readonly place: Place;
  readonly client: HttpClient;
}

const partsByRegistry = new WeakMap<RemoteRegistry, RegistryParts>();

/** Keeps a registry's parts for {@link partsOfRegistry}, as long as the registry lives. */
export function rememberParts(registry: RemoteRegistry, parts: RegistryParts): void {
  partsByRegistry.set(registry, parts);
}

/** The parts of a registry that `createRegistry` made without mirrors; `undefined` for any other. */
export function partsOfRegistry(registry: RemoteRegistry): RegistryParts | undefined {
  return partsByRegistry.get(registry);
}
