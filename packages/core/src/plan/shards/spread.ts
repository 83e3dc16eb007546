import { compareText } from "../../layout/index-file.ts";
import type { Shard } from "./shard.ts";

/** Something that goes into one shard as a whole. */
export interface Unit {
  /** No other unit has it. */
  readonly name: string;
  /** How much work it is, such as its bytes. */
  readonly weight: number;
}

/** The units of one shard, and what it is a part of. */
export interface Spread {
  readonly names: ReadonlySet<string>;
  readonly weight: number;
  readonly all: { readonly units: number; readonly weight: number };
}

/**
 * The units of `shard`: each is in exactly one. The heaviest go first, always to the shard that has least so far, so that
 * no shard is heavier than another by more than the heaviest unit, and equal units are shared out evenly. The order in which
 * they are given makes no difference.
 */
export function spread(units: Iterable<Unit>, { index, count }: Shard): Spread {
  const sorted = [...units].sort((a, b) => b.weight - a.weight || compareText(a.name, b.name));
  const loads = Array.from({ length: count }, () => ({ weight: 0, units: 0 }));
  const names = new Set<string>();
  for (const { name, weight } of sorted) {
    const least = loads.reduce((best, load) => (isLess(load, best) ? load : best));
    least.weight += weight;
    least.units += 1;
    if (least === loads[index - 1]) names.add(name);
  }
  return {
    names,
    weight: loads[index - 1]?.weight ?? 0,
    all: { units: sorted.length, weight: loads.reduce((sum, load) => sum + load.weight, 0) },
  };
}

interface Load {
  readonly weight: number;
  readonly units: number;
}

function isLess(a: Load, b: Load): boolean {
  return a.weight < b.weight || (a.weight === b.weight && a.units < b.units);
}
