import { UsageError } from "../usage-error.ts";

/** Decimal units, and binary ones with an `i`, as disks and memory are sold. */
const units: ReadonlyMap<string, number> = new Map([
  ["", 1],
  ["b", 1],
  ...["k", "m", "g", "t"].flatMap((letter, index): [string, number][] => [
    [letter, 1000 ** (index + 1)],
    [`${letter}b`, 1000 ** (index + 1)],
    [`${letter}i`, 1024 ** (index + 1)],
    [`${letter}ib`, 1024 ** (index + 1)],
  ]),
]);

/**
 * Reads a size such as `512`, `700MB`, `1.5GB` (thousands) or `4GiB` (1024s) into whole bytes; `flag` names it in errors.
 * @throws UsageError for anything else, and for less than `minBytes`
 */
export function parseByteSize(text: string, flag: string, minBytes = 1): number {
  const [, digits, unit = ""] = /^([0-9]{1,15}(?:\.[0-9]{1,9})?) ?([a-z]{0,3})$/i.exec(text.trim()) ?? [];
  const factor = units.get(unit.toLowerCase());
  if (digits === undefined || factor === undefined) {
    throw new UsageError(`${flag} ${text}: write it as a number of bytes, or with a unit, such as 700MB, 4GB or 4GiB`);
  }
  const bytes = Math.floor(Number(digits) * factor);
  if (bytes < minBytes || bytes > Number.MAX_SAFE_INTEGER) {
    throw new UsageError(`${flag} ${text}: it is ${bytes < minBytes ? `less than ${minBytes} bytes` : "too much"}`);
  }
  return bytes;
}
