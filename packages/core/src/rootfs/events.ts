/** The stages of making a root file system, in their order; not every output has each. */
export type RootfsStage = "resolve" | "download" | "merge" | "write" | "format" | "check";

/** What the count of a stage's progress counts. */
export type ProgressUnit = "bytes" | "files";

/** What happens while a root file system is made. Plain JSON. */
export type RootfsEvent =
  | { readonly type: "stage.started"; readonly stage: RootfsStage }
  | {
      readonly type: "stage.progress";
      readonly stage: RootfsStage;
      /** How much is done, never less than told before, and of how much where that is known. */
      readonly done: number;
      readonly total?: number | undefined;
      readonly unit: ProgressUnit;
    }
  | { readonly type: "stage.finished"; readonly stage: RootfsStage; readonly elapsedMs: number }
  | {
      readonly type: "layer.finished";
      readonly layer: number;
      readonly layers: number;
      readonly digest: string;
      readonly bytes: number;
    }
  | { readonly type: "warning"; readonly warning: RootfsWarning };

/** Something that went another way than wanted and did not stop the work. `code` is stable. */
export interface RootfsWarning {
  readonly code:
    | "METADATA_NOT_APPLIED"
    | "XATTR_NOT_KEPT"
    | "ENTRY_SKIPPED"
    | "STORE_FALLBACK"
    | "CACHE_FAILED"
    | "SPACE_UNKNOWN"
    | "CLEANUP_FAILED"
    | "OLD_VARIABLE";
  readonly message: string;
}

/** Takes events as they happen; what it throws is thrown by the call it was given to. */
export type OnRootfsEvent = (event: RootfsEvent) => void;
