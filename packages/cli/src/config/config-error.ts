import { printable } from "@tranship/registry";
import type { PlacedFault } from "./yaml-document.ts";

/** How many faults are told. */
const maxFaults = 10;

/** What a fault quotes of the file may be as long as the file; in characters. */
const maxFaultLength = 1000;

/** The configuration cannot be used: exit code 2. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code = "CONFIG_INVALID";
  /** The faults in the order of the file, ten at most; `more` says how many there are beside them. */
  readonly details: { readonly file: string; readonly faults: readonly PlacedFault[]; readonly more: number };

  constructor(file: string, faults: readonly PlacedFault[]) {
    const sorted = faults
      .toSorted((a, b) => a.line - b.line || a.column - b.column)
      .map((fault) => ({ ...fault, message: printable(fault.message, maxFaultLength) }));
    const [first] = sorted;
    super(
      sorted.length === 1 && first ? faultLine(file, first) : `${file} has ${sorted.length} faults, and cannot be used`,
    );
    this.details = { file, faults: sorted.slice(0, maxFaults), more: Math.max(0, sorted.length - maxFaults) };
  }
}

/** Each fault as a line, for people. */
export function faultLines({ details: { file, faults, more } }: ConfigError): readonly string[] {
  const lines = faults.map((fault) => faultLine(file, fault));
  return more > 0 ? [...lines, `${file}: and ${more} more`] : lines;
}

function faultLine(file: string, { line, column, message }: PlacedFault): string {
  return `${file}:${line}:${column}: ${message}`;
}
