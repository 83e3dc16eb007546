import { RegistryError, type RegistryReader, type RepositoryReader } from "@tranship/registry";

/**
 * The repository with that full name, which must lie below `registry`.
 * @throws RegistryError `INVALID_REFERENCE`
 */
export function openBelow(registry: RegistryReader, name: string): RepositoryReader {
  if (name === registry.name) return registry.repository("");
  if (name.startsWith(`${registry.name}/`)) return registry.repository(name.slice(registry.name.length + 1));
  throw new RegistryError("INVALID_REFERENCE", `${name} is not below ${registry.name}`, { text: name });
}
