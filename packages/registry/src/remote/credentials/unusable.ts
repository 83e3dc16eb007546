import { RegistryError } from "../../errors.ts";

/** A source of credentials that is there and cannot be used. `reason` never repeats what the source says. */
export function unusable(source: string, reason: string): RegistryError<"CREDENTIALS_UNUSABLE"> {
  const message = `cannot read credentials of ${source}: ${reason}`;
  return new RegistryError("CREDENTIALS_UNUSABLE", message, { source, reason });
}
