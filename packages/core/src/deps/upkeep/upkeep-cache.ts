import type { ContentCheck } from "../jobs/item-job.ts";

/** What looking through a cache takes of it. */
export interface ReadableCache {
  /** Its folder, complete and without symbolic links. */
  readonly path: string;
  /** What is known of its files. */
  readonly contents: ContentCheck;
  /** What is known of it besides. */
  readonly state: {
    /** All whose key begins so, by key. */
    entries(prefix: string): Iterable<readonly [string, unknown]>;
  };
}
