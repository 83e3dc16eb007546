import type { RegistryAuthConfig, SourceSpec } from "./source.ts";

/** As whom a registry is asked; `null` where the source names nobody. */
export function registryAuthOf({
  registryUsername = "",
  registryPassword = "",
}: SourceSpec): RegistryAuthConfig | null {
  if (registryUsername === "" && registryPassword === "") return null;
  return { username: registryUsername, password: registryPassword };
}
