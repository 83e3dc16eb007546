import type {
  CleanReport,
  DownloadList,
  DownloadListDiff,
  DownloadTotals,
  ImageExplanation,
  Inspection,
  Inventory,
  JoinReport,
  NameExplanation,
  PullReport,
  PushReport,
  RepairReport,
  SyncReport,
  VerifyEvidence,
} from "@tranship/core";
import type { Digest, Examination } from "@tranship/registry";
import type { Diagnosis } from "../diagnosis/diagnosis.ts";
import type { CliEvent } from "../print/cli-event.ts";
import type { PullFigures } from "../print/pull-tally.ts";
import type {
  DepsArchiveReport,
  DepsDownloadReport,
  DepsPlanReport,
  DepsPruneReport,
  DepsServeReport,
  DepsStatusReport,
  DepsVerifyReport,
} from "./deps-report.ts";
import type { RootfsReport } from "./rootfs-report.ts";

/** What a run with `--plan` reports beside the rest. */
interface Followed {
  /** The digest of the plan file. */
  readonly plan?: Digest;
}

/** What each command reports at its end, by the command's name; plain data. */
export interface Reports {
  readonly plan: DownloadList & { readonly totals: DownloadTotals; readonly diff?: DownloadListDiff };
  /** Of `tranship plan --explain`. */
  readonly explain: { readonly names: readonly (NameExplanation | ImageExplanation)[] };
  readonly pull: PullReport & Followed & Pick<PullFigures, "planned" | "components"> & { readonly elapsedMs: number };
  readonly push: PushReport & {
    readonly dryRun: boolean;
    /** Images that have no tag to be pushed under. */
    readonly withoutTag: number;
    readonly elapsedMs: number;
  };
  readonly sync: SyncReport & Followed & { readonly dryRun: boolean; readonly elapsedMs: number };
  readonly verify: VerifyEvidence;
  readonly serve: { readonly requests: number };
  readonly inventory: Inventory;
  readonly clean: CleanReport;
  readonly join: JoinReport;
  readonly repair: RepairReport;
  readonly inspect: Inspection & { readonly changes?: DownloadListDiff };
  readonly doctor: Examination;
  readonly rootfs: RootfsReport;
  readonly "deps plan": DepsPlanReport;
  readonly "deps download": DepsDownloadReport;
  readonly "deps verify": DepsVerifyReport;
  readonly "deps status": DepsStatusReport;
  readonly "deps prune": DepsPruneReport;
  readonly "deps export": DepsArchiveReport;
  readonly "deps import": DepsArchiveReport;
  readonly "deps serve": DepsServeReport;
  /** The file that was written. */
  readonly init: { readonly file: string };
}

/** The name a report goes by. */
export type ReportName = keyof Reports;

/** The last line of a command that came to its end. */
export type ReportLine = {
  readonly [Command in ReportName]: { readonly type: "report"; readonly command: Command } & Reports[Command];
}[ReportName];

/** The last line of a command that failed. */
export type FailureLine = { readonly type: "failure" } & Diagnosis;

/** A line of standard output with `--json`. */
export type OutputLine = CliEvent | ReportLine | FailureLine;
