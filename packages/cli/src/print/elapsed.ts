import { formatBytes } from "./size.ts";

/** A time for people: `830ms` below a second, else whole seconds: `14s`, `14m32s`, `1h47m0s`. */
export function formatElapsed(elapsedMs: number): string {
  if (elapsedMs < 999.5) return `${Math.max(0, Math.round(elapsedMs))}ms`;
  const all = Math.round(elapsedMs / 1000);
  const [hours, minutes, seconds] = [Math.floor(all / 3600), Math.floor(all / 60) % 60, all % 60];
  if (hours > 0) return `${hours}h${minutes}m${seconds}s`;
  return minutes > 0 ? `${minutes}m${seconds}s` : `${seconds}s`;
}

/** The line that ends a summary: how long it took, and how fast `bytes` went on average. */
export function elapsedLine(elapsedMs: number, bytes: number): string {
  const rate =
    bytes > 0 && elapsedMs > 0 ? `, ${formatBytes(Math.round((bytes * 1000) / elapsedMs))}/s on average` : "";
  return `took ${formatElapsed(elapsedMs)}${rate}`;
}
