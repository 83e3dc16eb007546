import { parsePlace } from "../oci/reference.ts";
import { createClient } from "./create-client.ts";
import { HttpRegistry, type RemoteRegistry } from "./http-registry.ts";
import type { RegistryOptions } from "./registry-options.ts";

/**
 * A registry reached over HTTP. `place` is `host[:port][/path]`; repositories are named below that path. Nothing is
 * asked of the host yet.
 * @throws RegistryError `INVALID_REFERENCE` when `place` is none; `TLS` for certificates and keys that cannot be read;
 * `CREDENTIALS_UNUSABLE` for credentials that cannot be sent; `UNSUPPORTED` for a proxy that is none
 * @see distribution-spec v1.1.1
 */
export function createRegistry(place: string, options: RegistryOptions = {}): RemoteRegistry {
  const parsed = parsePlace(place);
  return new HttpRegistry(parsed, createClient(parsed.host, options), options);
}

export type { RemoteRegistry, RemoteRegistryRepository } from "./http-registry.ts";
export type { RegistryOptions } from "./registry-options.ts";
