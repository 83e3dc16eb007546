import {
  isRegistryError,
  parsePlace,
  RegistryError,
  type RegistryReader,
  type RepositoryReader,
} from "@tranship/registry";
import { openBelow } from "./open-below.ts";

/** Gives the registry of a host, such as `ghcr.io` or `localhost:5000`, to read from; asked once for each host. */
export type RegistryOfHost = (host: string) => RegistryReader;

/** Where repositories with full names are read: one registry they all lie below, or the registry of each host. */
export type SourceRegistries = RegistryReader | RegistryOfHost;

/**
 * Opens repositories by their full names. What comes from one registry lies below it; what comes from many is asked for
 * at the host its name begins with, and nowhere else.
 * @throws RegistryError `INVALID_REFERENCE`, from the function it gives, for a name that lies elsewhere
 */
export function sourceOpener(source: SourceRegistries): (name: string) => RepositoryReader {
  if (typeof source !== "function") return (name) => openBelow(source, name);
  const registries = new Map<string, RegistryReader>();
  return (name) => {
    const host = hostOf(name);
    const registry = registries.get(host) ?? source(host);
    registries.set(host, registry);
    return openBelow(registry, name);
  };
}

/** The host a full name begins with. @throws RegistryError `INVALID_REFERENCE` for a name that is none of a registry's */
export function hostOf(name: string): string {
  const { host, path } = parsePlace(name);
  if (path !== "" && `${host}/${path}` === name) return host;
  throw new RegistryError("INVALID_REFERENCE", `${name} is not the name of a repository`, { text: name });
}

/** Whether a repository lies where none of the registries reaches. */
export function liesElsewhere(error: unknown): boolean {
  return isRegistryError(error, "INVALID_REFERENCE");
}
