import type { DepsCache, DepsItem, DepsPlan, DepsReport } from "@tranship/core/deps";
import type { DepsReportManifest, DepsStatusReport } from "../output-schema/deps-report.ts";

/** A cache and what it is filled from, whatever kind of manifests that is. */
export interface CacheWork {
  /** The folder of the cache. */
  readonly folder: string;
  /** Looks what is missing; writes nothing. */
  plan(): Promise<Planned>;
  /** Fetches what is missing. */
  download(): Promise<Downloaded>;
  /** Compares the cache with the manifests there are. */
  status(): Promise<DepsStatusReport["manifests"]>;
  /** Opens the cache as it is, to read it or to change it. @throws DepsError `NOT_CACHED` to read what is not there */
  open(how: "read" | "change"): Promise<DepsCache>;
  /** What the cache is for, as far as it is known without asking anybody, with its places in the cache as it was opened. */
  items(cache: DepsCache): Promise<readonly DepsItem[]>;
  /** What it held before and is no longer for. */
  former(cache: DepsCache): Promise<readonly DepsItem[]>;
  /** The image store, where it may be beside the cache. */
  readonly store: string;
}

/** What is there and what is not. */
export interface Planned {
  readonly manifests: readonly DepsReportManifest[];
  readonly plan: DepsPlan;
}

/** What was done. */
export interface Downloaded {
  readonly manifests: readonly DepsReportManifest[];
  readonly report: DepsReport;
}
