import type { Findings } from "../catalog.ts";

/** What there is to say about one shape. */
export interface Section extends Findings {
  readonly name: string;
  /** SVG pictures by file name, without its ending. */
  readonly plots: Readonly<Record<string, string>>;
}
