import type { DepsErrorCode } from "./errors.ts";

/** What every event about one item says. */
export interface DepsItemEvent {
  /** The item's id. */
  readonly item: string;
  /** What people call it. */
  readonly name: string;
  /** Where it is, or will be, if it is a file or a folder. */
  readonly path?: string | undefined;
}

/** An item that could not be brought, as an event tells it. */
export interface DepsFailure {
  /** That of a {@link DepsError}; `ABORTED` for what was under way, or waiting, when the work was ended. */
  readonly code: DepsErrorCode;
  readonly message: string;
}

/** What happens while a cache is looked through and filled. Plain JSON; sizes are in bytes. */
export type DepsEvent =
  /** About the whole. */
  | { readonly type: "status"; readonly message: string }
  /** It is looked whether the item is there. */
  | ({ readonly type: "checking"; readonly total?: number | undefined } & DepsItemEvent)
  /** It is: nothing more happens to it. */
  | ({
      readonly type: "cached";
      readonly current?: number | undefined;
      readonly total?: number | undefined;
    } & DepsItemEvent)
  /** It is not, and will be brought. */
  | ({ readonly type: "queued"; readonly total?: number | undefined } & DepsItemEvent)
  /** The first of its bytes are asked for. */
  | ({ readonly type: "started"; readonly total?: number | undefined } & DepsItemEvent)
  /** So many of its bytes are here; never less than told before. */
  | ({ readonly type: "progress"; readonly current: number; readonly total?: number | undefined } & DepsItemEvent)
  /** It is there now, checked. */
  | ({ readonly type: "done"; readonly current: number; readonly total: number } & DepsItemEvent)
  /** It is not, and nothing more happens to it. */
  | ({ readonly type: "failed"; readonly error: DepsFailure } & DepsItemEvent)
  /** Something went another way than wanted and did not stop the work. */
  | { readonly type: "warning"; readonly warning: DepsWarning };

/** What is told by an event of type `warning`. `code` is stable. */
export interface DepsWarning {
  readonly code:
    | "RETRYING"
    | "STATE_DAMAGED"
    | "WAITING_FOR_LOCK"
    | "COMMIT_UNFINISHED"
    | "STATE_UNSAVED"
    | "CLEANUP_FAILED";
  readonly message: string;
}

/** Takes events as they happen, one after another. What it throws ends the work, which is rejected with it. */
export type OnDepsEvent = (event: DepsEvent) => void;
