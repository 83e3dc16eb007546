/** Milliseconds in a unit, as Go writes durations. */
const units: ReadonlyMap<string, number> = new Map([
  ["ns", 1e-6],
  ["us", 1e-3],
  ["µs", 1e-3], // U+00B5
  ["μs", 1e-3], // U+03BC
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

/** The longest text that is read: a duration is a few characters. */
const maxLength = 64;

/**
 * Reads a duration as Go writes it, such as `4h`, `1h30m`, `1.5s`, `300ms`, `-1m` or `0`, in milliseconds; `undefined` for
 * anything else.
 * @see https://pkg.go.dev/time#ParseDuration
 */
export function parseDuration(text: string): number | undefined {
  const [, sign = "", rest = ""] = /^([-+]?)(.*)$/s.exec(text) ?? [];
  if (rest === "0") return 0;
  if (rest === "" || text.length > maxLength) return undefined;
  let ms = 0;
  let at = 0;
  for (const part of rest.matchAll(/([0-9]+\.?[0-9]*|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    if (part.index !== at) return undefined;
    at += part[0].length;
    ms += Number(part[1]) * (units.get(part[2] ?? "") ?? 0);
  }
  if (at !== rest.length) return undefined;
  return sign === "-" ? -ms : ms;
}
