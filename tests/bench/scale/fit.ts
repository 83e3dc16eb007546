/** A cost at a size. */
export interface Point {
  readonly size: number;
  readonly cost: number;
}

/**
 * The exponent of a power law through points, and the constant it stands on: `cost ≈ base + factor · size^exponent`. What
 * the smallest size costs is mostly the start of a program, so it is taken for the base and left out of the fit.
 */
export function fittedExponent(points: readonly Point[]): number {
  const sorted = points.toSorted((a, b) => a.size - b.size);
  const [base, ...others] = sorted;
  const grown = others
    .map(({ size, cost }) => ({ x: Math.log(size), y: Math.log(cost - (base?.cost ?? 0)) }))
    .filter(({ y }) => Number.isFinite(y));
  if (grown.length < 2) return Number.NaN;
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
