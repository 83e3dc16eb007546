import { parsePlace } from "../oci/reference.ts";
import { createClient } from "./create-client.ts";
import { HttpRegistry, type RemoteRegistry } from "./http-registry.ts";
import { MirroredRegistry } from "./mirrors/mirrored-registry.ts";
import { openMirrors } from "./mirrors/mirrors.ts";
import type { RegistryOptions } from "./registry-options.ts";
import { rememberParts } from "./registry-parts.ts";

/**
 * A registry reached over HTTP. `place` is `host[:port][/path]`; repositories are named below that path. `docker.io` is
 * Docker Hub, whose repositories of a single word are those below `library/`. Nothing is asked of the host yet.
 * @throws RegistryError `INVALID_REFERENCE` when `place`, a mirror or a key of `hosts` is none; `TLS` for certificates
 * and keys that cannot be read; `CREDENTIALS_UNUSABLE` for credentials that cannot be sent; `UNSUPPORTED` for a proxy
 * that is none; RangeError for a number that makes no sense
 * @see distribution-spec v1.1.1
 */
export function createRegistry(place: string, options: RegistryOptions = {}): RemoteRegistry {
  const parsed = parsePlace(place);
  const client = createClient(parsed.host, options);
  const registry = new HttpRegistry(parsed, client, options);
  rememberParts(registry, { place: parsed, client });
  if (options.mirrors === undefined || options.mirrors.length === 0) return registry;
  const open = (mirror: string) => createRegistry(mirror, mirrorOptions(options));
  const mirrors = openMirrors({ mirrors: options.mirrors, registry: parsed.host, open, onEvent: options.onEvent });
  return new MirroredRegistry(registry, mirrors);
}

/** What holds for a mirror, too: the network we are in, not who we are to the registry. */
function mirrorOptions(options: RegistryOptions): RegistryOptions {
  const { credentials } = options;
  return {
    ...options,
    mirrors: undefined,
    credentials: typeof credentials === "function" ? credentials : undefined,
    clientCertificate: undefined,
    insecure: undefined,
    attempts: 1, // the next source is the next attempt
    throttleWaitMs: 0,
  };
}

export type { RemoteRegistry } from "./http-registry.ts";
export type { RegistryOptions } from "./registry-options.ts";
