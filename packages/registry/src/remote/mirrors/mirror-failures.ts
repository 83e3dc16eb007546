import { isRegistryError, RegistryError } from "../../errors.ts";

/** What a mirror did in place of an answer. */
export interface MirrorFailure {
  /** Its place, such as `mirror.internal/hub`. */
  readonly mirror: string;
  readonly error: unknown;
}

/** The stable code of any error, as events tell it. */
export function failureCode(error: unknown): string {
  return isRegistryError(error) ? error.code : "UNKNOWN";
}

/** The registry's own failure, with a word on the mirrors that were asked before it; they are in `cause`. */
export function withMirrorFailures(error: unknown, failures: readonly MirrorFailure[]): unknown {
  if (failures.length === 0 || !isRegistryError(error)) return error;
  const told = failures.map(({ mirror, error: own }) => `${mirror}: ${failureCode(own)}`).join(", ");
  const cause = new AggregateError(
    [error, ...failures.map((failure) => failure.error)],
    "the registry, then its mirrors",
  );
  return new RegistryError(error.code, `${error.message}; mirrors asked before: ${told}`, error.details, { cause });
}
