/** What bars are drawn with. */
export interface BarGlyphs {
  readonly done: string;
  readonly left: string;
}

/** Bars for terminals that show UTF-8. */
export const unicodeBar: BarGlyphs = { done: "━", left: "─" };

/** Bars for all others. */
export const asciiBar: BarGlyphs = { done: "#", left: "." };

/** The share of `done` in `total`, from 0 to 1; nothing to do is done. */
export function shareOf(done: number, total: number): number {
  return total <= 0 ? 1 : Math.min(1, Math.max(0, done / total));
}

/** `42%`; never `100%` before all is done. */
export function percent(share: number): string {
  return `${share >= 1 ? 100 : Math.min(99, Math.floor(share * 100))}%`;
}

/** A bar of `width` characters in its two parts; it is full only when all is done. */
export function barParts(
  share: number,
  width: number,
  glyphs: BarGlyphs,
): { readonly done: string; readonly left: string } {
  const full = share >= 1 ? width : Math.min(width - 1, Math.floor(share * width));
  return {
    done: glyphs.done.repeat(Math.max(0, full)),
    left: glyphs.left.repeat(Math.max(0, width - Math.max(0, full))),
  };
}
