const sizePattern = /^\s*(\d{1,15}(?:\.\d{1,9})?)\s*([KMGT]?)(i?)B\s*$/i;

/** Powers of the base each prefix stands for. */
const powers: Readonly<Record<string, number>> = { "": 0, k: 1, m: 2, g: 3, t: 4 };

/**
 * Bytes of a size as programs print it for people: `512B`, `5.0MiB` (1024 at a time), `2 MB` (1000 at a time). What cannot
 * be read is 0.
 */
export function parseHumanSize(text: string): number {
  const [, number, prefix = "", binary] = sizePattern.exec(text) ?? [];
  if (number === undefined) return 0;
  return Math.round(Number(number) * (binary === "" ? 1000 : 1024) ** (powers[prefix.toLowerCase()] ?? 0));
}
