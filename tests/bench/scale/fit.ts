/** A cost at a size. */
export interface Point {
  readonly size: number;
  readonly cost: number;
}

/**
 * The exponent of a power law through points, and the constant it stands on: `cost ≈ base + factor · size^exponent`. What
 * the smallest size costs is mostly the start of a program, so it is taken for the base, and a size that costs less than a
 * quarter more says nothing. `undefined` where fewer than two sizes say anything.
 */
export function fittedExponent(points: readonly Point[]): number | undefined {
  const sorted = points.toSorted((a, b) => a.size - b.size);
  const [base, ...others] = sorted;
  const baseCost = base?.cost ?? 0;
  const grown = others
    .filter(({ cost }) => cost > baseCost * 1.25)
    .map(({ size, cost }) => ({ x: Math.log(size), y: Math.log(cost - baseCost) }));
  if (grown.length < 2) return undefined;
  const [x, y] = [mean(grown.map((one) => one.x)), mean(grown.map((one) => one.y))];
  const across = grown.reduce((sum, one) => sum + (one.x - x) * (one.y - y), 0);
  return across / grown.reduce((sum, one) => sum + (one.x - x) ** 2, 0);
}

/** How often the cost of a size is that of a tenth of it, the largest over all neighbours that are ten apart. */
export function largestStep(points: readonly Point[]): number {
  const sorted = points.toSorted((a, b) => a.size - b.size);
  const steps = sorted.flatMap(({ size, cost }, at) => {
    const before = sorted[at - 1];
    return before ? [(cost / before.cost) ** (Math.log(10) / Math.log(size / before.size))] : [];
  });
  return Math.max(...steps);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
