/** What the layers of one image have used up of the ceilings on all of them together, counted by all threads at once. */
export type LayerUsage = SharedArrayBuffer;

/** What a {@link LayerUsage} counts, in its order: the ceilings' names. */
const counted = ["maxEntries", "maxUnpackedBytes", "maxMetadataBytes"] as const;

/** Nothing used up yet. */
export function createLayerUsage(): LayerUsage {
  return new SharedArrayBuffer(counted.length * BigInt64Array.BYTES_PER_ELEMENT);
}

/** Adds to what is used of a ceiling, and gives how much that is now. */
export function addUsage(usage: LayerUsage, limit: (typeof counted)[number], amount: number): number {
  const before = Atomics.add(new BigInt64Array(usage), counted.indexOf(limit), BigInt(amount));
  return Number(before) + amount;
}
