import { type Digest, formatName, RegistryError, type Tag } from "@tranship/registry";

/** That the repository `name` has no such thing; itself, for an empty `reference`. */
export function notFound(name: string, reference: Tag | Digest): RegistryError<"NOT_FOUND"> {
  const what = reference === "" ? name : formatName(name, reference);
  return new RegistryError("NOT_FOUND", `${what} is not there`, { registry: name, reference });
}
