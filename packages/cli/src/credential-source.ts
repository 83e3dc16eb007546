import { locateDockerCredentials } from "@tranship/registry";
import { registryKey } from "./config/configured-registries.ts";
import type { ConfiguredFlags } from "./config/registry-access.ts";
import { type Environment, loginVariables, type RegistrySide } from "./environment.ts";
import type { CredentialFlags } from "./flags/credential-flags.ts";

/** What {@link credentialSource} looks at. */
export interface CredentialPlaces {
  readonly flags: CredentialFlags & ConfiguredFlags;
  readonly environment: Environment;
  /** Whose variables count. */
  readonly side: RegistrySide;
  /** The registry as the user wrote it. */
  readonly host: string;
  /** The whole path on that host; empty for none. */
  readonly path: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Where the credentials for a registry come from: a flag, the configuration, a variable, a file of docker's or podman's or a
 * helper program; `undefined` for nowhere. Never what they are.
 * @throws RegistryError `CREDENTIALS_UNUSABLE`
 */
export async function credentialSource(places: CredentialPlaces): Promise<string | undefined> {
  const { flags, environment, side, host, path, signal } = places;
  if (flags.registryLogin !== undefined) return "--registry-login";
  if (flags.sourceLogin !== undefined) return "--source-login";
  if (flags.license !== undefined) return "--license";
  const { env, file, docker } = flags.registries?.get(registryKey(host))?.credentials ?? {};
  if (env !== undefined) return env.username ?? env.license;
  if (file !== undefined) return file;
  const variable = docker === undefined ? variableOf(side, environment) : undefined;
  if (variable !== undefined) return variable;
  const locate = locateDockerCredentials({
    env: environment,
    ...(typeof docker === "string" ? { configPath: docker } : {}),
  });
  return await locate({ host, ...(path === "" ? {} : { repository: path }) }, { signal });
}

/** The variable that says who asks. */
function variableOf(side: RegistrySide, environment: Environment): string | undefined {
  for (const { login, license } of loginVariables[side]) {
    if (environment[login]) return login;
    if (license !== undefined && environment[license]) return license;
  }
  return undefined;
}
