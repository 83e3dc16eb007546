import type { DepsFailure, Presence } from "@tranship/core/deps";
import type { Digest } from "@tranship/registry";

/** A manifest a command went by. */
export interface DepsReportManifest {
  readonly name: string;
  readonly version: string;
  /** Of its bytes as they were read. */
  readonly digest?: string;
  /** The file or address it was read from, without secrets. */
  readonly from?: string;
}

/** An item of a cache. */
export interface DepsReportItem {
  readonly id: string;
  /** What people call it. */
  readonly name: string;
  readonly version: string;
  /** Where it is, or will be. */
  readonly path: string;
  readonly digest?: Digest;
  /** As its manifest says, or as it is. */
  readonly size?: number;
}

/** What every report about a cache begins with. */
interface OfCache {
  /** Its folder. */
  readonly cache: string;
}

/** What `tranship deps plan`, and `download` as a dry run, report. */
export interface DepsPlanReport extends OfCache {
  readonly manifests: readonly DepsReportManifest[];
  readonly items: readonly (DepsReportItem & { readonly presence: Presence })[];
  readonly present: number;
  readonly missing: number;
  readonly totalBytes: number;
  readonly missingBytes: number;
  /** How many of what is missing do not say their size. */
  readonly unknownSizes: number;
}

/** What `tranship deps download` reports. */
export interface DepsDownloadReport extends OfCache {
  readonly manifests: readonly DepsReportManifest[];
  readonly items: readonly (DepsReportItem & {
    readonly outcome: "cached" | "done" | "failed";
    readonly failure?: DepsFailure;
  })[];
  readonly cached: number;
  readonly done: number;
  readonly failed: number;
  readonly doneBytes: number;
  readonly elapsedMs: number;
}

/** What `tranship deps verify` reports. */
export interface DepsVerifyReport extends OfCache {
  readonly items: readonly (DepsReportItem & { readonly presence: Presence; readonly failure?: DepsFailure })[];
  readonly present: number;
  readonly absent: number;
  readonly differs: number;
  readonly isWhole: boolean;
  /** Whether every byte was read. */
  readonly deep: boolean;
  readonly elapsedMs: number;
}

/** What `tranship deps status` reports. */
export interface DepsStatusReport extends OfCache {
  readonly needsUpdate: boolean;
  readonly manifests: readonly {
    readonly name: string;
    readonly needsUpdate: boolean;
    /** Absent when none is cached. */
    readonly cached?: string | undefined;
    readonly latest: string;
  }[];
}

/** What `tranship deps prune` reports. */
export interface DepsPruneReport extends OfCache {
  /** Nothing was removed: `--yes` was not given. */
  readonly dryRun: boolean;
  readonly removals: readonly { readonly path: string; readonly reason: string; readonly bytes: number }[];
  /** Layouts from which tags and manifests go. */
  readonly unlisted: readonly { readonly layout: string; readonly entries: number }[];
  /** What stays because nothing is known of it, or it was changed meanwhile. */
  readonly kept: readonly { readonly path: string; readonly reason: string }[];
  readonly freedBytes: number;
}

/** What `tranship deps export` and `import` report. */
export interface DepsArchiveReport extends OfCache {
  readonly archive: string;
  /** Of the list of what is in it: `--pin archive=DIGEST` makes an import take no other. */
  readonly digest: string;
  readonly items: number;
  readonly files: number;
  readonly bytes: number;
  readonly elapsedMs: number;
}

/** What `tranship deps serve` reports. */
export interface DepsServeReport extends OfCache {
  readonly requests: number;
}
