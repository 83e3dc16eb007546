import type { AssumedBlob } from "../plan/section.ts";

/** A blob that a source's images need and the source does not hold: whatever it was made over has it. */
export interface AssumedContent extends AssumedBlob {
  /** The repository that needs it: its path below the registry root. */
  readonly path: string;
}

/** A source that may rely on what the other side has already; `Bundle` is one. */
export interface BasedSource {
  /** What is needed and not at hand, by path and digest; empty for a source that is whole. */
  assumed(): readonly AssumedContent[];
}
