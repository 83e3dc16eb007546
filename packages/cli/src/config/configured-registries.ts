import { parsePlace } from "@tranship/registry";
import type { ConnectionFlags } from "../flags/connection-flags.ts";
import type { CredentialReference, RegistryConfig } from "./config.ts";
import type { ConfigFolder } from "./config-folder.ts";

/** How a registry is reached and who asks it, as flags would say it. */
export interface ConfiguredRegistry extends Omit<ConnectionFlags, "mirror"> {
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly tlsSkipVerify?: boolean;
  readonly clientCert?: string;
  readonly clientKey?: string;
  readonly credentials?: CredentialReference;
}

/** What the configuration says of single registries, by the key of their host. */
export type ConfiguredRegistries = ReadonlyMap<string, ConfiguredRegistry>;

/** One key for each registry: Docker Hub has several names. */
export function registryKey(host: string): string {
  const plain = host.toLowerCase();
  return ["index.docker.io", "registry-1.docker.io"].includes(plain) ? "docker.io" : plain;
}

/** The key of the registry that a place is in. @throws RegistryError `INVALID_REFERENCE` */
export function keyOfPlace(place: string): string {
  return registryKey(parsePlace(place).host);
}

/**
 * Reads `registries`. What `isGiven` says a flag was given for is left out where such a flag is for all registries: it goes
 * before the file.
 */
export function configuredRegistries(
  registries: Readonly<Record<string, RegistryConfig>>,
  folder: ConfigFolder,
  isGiven: (option: string) => boolean,
): ConfiguredRegistries {
  return new Map(
    Object.entries(registries).map(([host, config]) => [registryKey(host), configured(config, folder, isGiven)]),
  );
}

/** What holds for every registry of a run, by flags' names: a flag of these is about all of them. */
const shared = ["timeout", "proxy", "downloads", "uploads", "lookups", "requestsPerSecond", "bytesPerSecond", "ca"];

function configured(
  config: RegistryConfig,
  folder: ConfigFolder,
  isGiven: (option: string) => boolean,
): ConfiguredRegistry {
  const { ca, clientCert, clientKey, credentials, insecure, tlsSkipVerify, proxy, ...numbers } = config;
  const all: { readonly [Key in keyof ConfiguredRegistry]: ConfiguredRegistry[Key] | undefined } = {
    ...Object.fromEntries(
      Object.entries(numbers).map(([name, value]) => [name, value === undefined ? value : String(value)]),
    ),
    proxy,
    ca: ca === undefined ? undefined : folder.path(ca),
    clientCert: clientCert === undefined ? undefined : folder.path(clientCert),
    clientKey: clientKey === undefined ? undefined : folder.path(clientKey),
    insecure,
    tlsSkipVerify,
    credentials: credentials === undefined ? undefined : inFolder(credentials, folder),
  };
  const said = Object.entries(all).filter(
    ([name, value]) => value !== undefined && !(shared.includes(name) && isGiven(name)),
  );
  return Object.fromEntries(said);
}

/** The same reference with its paths as they are from the working folder. */
export function inFolder(reference: CredentialReference, folder: ConfigFolder): CredentialReference {
  const { docker, file } = reference;
  return {
    ...reference,
    ...(typeof docker === "string" ? { docker: folder.path(docker) } : {}),
    ...(file === undefined ? {} : { file: folder.path(file) }),
  };
}
