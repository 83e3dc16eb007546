import type { Digest } from "@tranship/registry";

/** Why something is removed. */
export type PruneReason =
  /** No item that is kept needs it. */
  | "unused"
  /** A link that leads nowhere. */
  | "dead-link"
  /** A copy of a manifest, and there are enough newer ones. */
  | "old-copy"
  /** The beginning of something nobody went on with. */
  | "unfinished"
  /** A folder with nothing left in it. */
  | "empty";

/** One thing that is removed. */
export interface Removal {
  /** Complete. */
  readonly path: string;
  /** `tree`: a folder with all that is in it, such as a git mirror. `folder`: an empty one. */
  readonly kind: "link" | "file" | "tree" | "folder";
  readonly reason: PruneReason;
  /** In bytes, of one name of a file; what other names have in common with it stays. */
  readonly bytes: number;
  /**
   * Which state of which file it was, for files and links: what has changed since stays. Of an `index.json`
   * see {@link Unlisting}.
   */
  readonly identity?: string | undefined;
  /** The layout it belongs to. */
  readonly layout?: string | undefined;
}

/** What is taken from the `index.json` of an image layout, before any of its files go. */
export interface Unlisting {
  readonly layout: string;
  /** Which state of `index.json` was looked at: a layout that was changed since stays as it is. */
  readonly identity: string | undefined;
  readonly entries: readonly UnlistedEntry[];
}

/** An entry of an `index.json`. */
export interface UnlistedEntry {
  readonly digest: Digest;
  readonly tag?: string | undefined;
  /** The manifest stays, and stays listed by its digest. */
  readonly isNeeded: boolean;
}

/** Something that stays because nothing is known of it. */
export interface UnknownPath {
  readonly path: string;
  readonly reason: string;
}

/** What pruning a cache would remove; plain data, in the order it is done. */
export interface PrunePlan {
  /** The folder of the cache. */
  readonly root: string;
  /** The folders of image layouts, in the cache and beside it. */
  readonly stores: readonly string[];
  readonly layouts: readonly Unlisting[];
  readonly removals: readonly Removal[];
  /** What is there and stays because it is none of ours, or could not be read. */
  readonly unknown: readonly UnknownPath[];
  /** How much room there will be, in bytes: files with several names count once all of them go. */
  readonly freedBytes: number;
}
