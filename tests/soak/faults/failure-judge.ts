import { isMirrorError, type Side } from "@tranship/core";
import type { RegistryErrorCode } from "@tranship/registry";
import { faultFamilies } from "./fault-families.ts";

/** What went wrong on each side, by the names of faults. */
export type FiredFaults = Readonly<Partial<Record<Side, ReadonlyMap<string, number>>>>;

const codesByName = new Map(
  Object.values(faultFamilies)
    .flat()
    .map(({ name, codes }) => [name, codes] as const),
);

/** Why a failure is not what the faults that happened lead to; empty when it is. */
export function failureFaults(error: unknown, fired: FiredFaults): readonly string[] {
  const shown = error instanceof Error ? `${error.name} ${error.message}` : String(error);
  if (!isMirrorError(error, "TRANSFER_FAILED")) return [`no failure of a transfer: ${shown}`];
  return detailFaults(error.details, fired, shown).concat(
    error.cause === undefined ? [`without a cause: ${shown}`] : [],
  );
}

/** The same for the `details` of a failure that a program told. */
export function detailFaults(
  { side, reference, failure, code }: { side: Side; reference: string; failure: string; code?: string | undefined },
  fired: FiredFaults,
  shown: string,
): string[] {
  const names = [...(fired[side]?.keys() ?? [])];
  const codes = new Set<string>(names.flatMap((name) => codesOf(name)));
  const problems: string[] = [];
  if (reference === "") problems.push(`no reference: ${shown}`);
  if (names.length === 0) problems.push(`nothing went wrong at the ${side}: ${shown}`);
  else if (code === undefined || !codes.has(code))
    problems.push(`${code ?? "no code"} (${failure}) of ${names.join(", ")} at the ${side}: ${shown}`);
  return problems;
}

function codesOf(name: string): readonly RegistryErrorCode[] {
  return codesByName.get(name) ?? [];
}

/** The registry's code of a failure of a transfer. */
export function registryCodeOf(error: unknown): string | undefined {
  return isMirrorError(error, "TRANSFER_FAILED") ? error.details.code : undefined;
}
