import { existsSync } from "node:fs";
import {
  type CredentialProvider,
  type Credentials,
  dockerCredentials,
  type HostOptions,
  type TransportOptions,
} from "@tranship/registry";
import type { Environment, RegistrySide } from "../environment.ts";
import { type CredentialFlags, credentialsOf, hasCredentials } from "../flags/credential-flags.ts";
import { readPem } from "../pem-file.ts";
import {
  type ConfiguredRegistries,
  type ConfiguredRegistry,
  keyOfPlace,
  registryKey,
} from "./configured-registries.ts";
import { readCredentials } from "./read-credentials.ts";

/** What the configuration adds to the flags of a command. */
export interface ConfiguredFlags {
  /** What is said of single registries. @defaultValue nothing */
  readonly registries?: ConfiguredRegistries;
}

/**
 * The flags for the registry of `place`: with what the configuration says of it, which goes before what it says of all, and
 * behind a flag that is about this registry.
 */
export function flagsOfRegistry<Flags extends ConfiguredFlags>(place: string, flags: Flags): Flags {
  const registry = flags.registries?.get(keyOfPlace(place));
  if (!registry) return flags;
  const { credentials: _, insecure, tlsSkipVerify, clientCert, clientKey, ...reach } = registry;
  const own = Object.entries({ insecure, tlsSkipVerify, clientCert, clientKey }).filter(
    ([, value]) => value !== undefined,
  );
  const given = Object.entries(flags).filter(([, value]) => value !== undefined);
  return { ...Object.fromEntries([...own, ...given]), ...reach } as Flags;
}

/** Whom {@link credentialsFor} finds credentials for. */
export interface Asking {
  readonly place: string;
  /** Places with the same content, which are asked as well. */
  readonly mirrors: readonly string[];
  readonly side: RegistrySide;
  readonly environment: Environment;
  readonly input: AsyncIterable<Uint8Array>;
}

/**
 * Who asks a registry and its mirrors: of the registry, what flags say, else the configuration, else variables; of all, else
 * what docker and podman keep.
 * @throws UsageError
 */
export async function credentialsFor(
  flags: CredentialFlags & ConfiguredFlags,
  { place, mirrors, side, environment, input }: Asking,
): Promise<Credentials | CredentialProvider> {
  const docker = dockerCredentials({ env: environment });
  const ownKey = keyOfPlace(place);
  const providers = new Map<string, CredentialProvider>();
  for (const key of new Set([ownKey, ...mirrors.map(keyOfPlace)])) {
    const reference = flags.registries?.get(key)?.credentials;
    if (reference === undefined || (key === ownKey && hasCredentials(flags))) continue;
    providers.set(key, await readCredentials(reference, environment, `registries[${JSON.stringify(key)}].credentials`));
  }
  const given = providers.has(ownKey) ? undefined : await credentialsOf(flags, side, environment, input);
  if (given === undefined ? providers.size === 0 : mirrors.length === 0) return given ?? docker;
  return async (request, options) => {
    const key = registryKey(request.host);
    if (key === ownKey && given !== undefined) return given;
    return await (providers.get(key) ?? docker)(request, options);
  };
}

/**
 * How the other registries of the configuration are reached, should this one lead there: a mirror, a token server. One whose
 * files are not on this machine is left out: the file may be for several machines.
 * @throws UsageError
 */
export async function otherHosts(place: string, { registries }: ConfiguredFlags): Promise<HostOptions | undefined> {
  if (registries === undefined) return undefined;
  const ownKey = keyOfPlace(place);
  const others = [...registries].filter(([key, { ca, clientCert, clientKey }]) => {
    return key !== ownKey && [ca, clientCert, clientKey].every((path) => path === undefined || existsSync(path));
  });
  return Object.fromEntries(await Promise.all(others.map(async ([key, one]) => [key, await transportOf(one)])));
}

async function transportOf(registry: ConfiguredRegistry): Promise<TransportOptions> {
  const { proxy, insecure, tlsSkipVerify, ca, clientCert, clientKey } = registry;
  return {
    proxy,
    insecure,
    tlsSkipVerify,
    ca: ca === undefined ? undefined : await readPem(ca, "ca"),
    clientCertificate:
      clientCert === undefined || clientKey === undefined
        ? undefined
        : { cert: await readPem(clientCert, "clientCert"), key: await readPem(clientKey, "clientKey") },
  };
}
