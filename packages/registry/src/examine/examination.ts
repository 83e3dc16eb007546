import type { RegistryErrorCode } from "../errors.ts";

/** What is looked at, in this order. */
export type ExaminedId =
  | "connection"
  | "tls"
  | "api"
  | "credentials"
  | "catalog"
  | "tags"
  | "manifest"
  | "referrers"
  | "ranges"
  | "upload"
  | "chunks"
  | "mount"
  | "manifest-push"
  | "limits"
  | "clock";

/**
 * How a check ended: as it should; with something to know or to put right; with something that will not work; or it was
 * not asked, because it makes no sense here, was not to be done, or an earlier one failed.
 */
export type CheckStatus = "ok" | "warning" | "failed" | "not-asked";

/** What a check found. */
export interface CheckFinding {
  /** How it ended. */
  readonly status: CheckStatus;
  /** What was seen, one line; of foreign text only what may be printed. */
  readonly reason: string;
  /** What to do about it, one line. */
  readonly advice?: string | undefined;
  /** What was seen, for machines; lists hold no secret. */
  readonly details?: Readonly<Record<string, string | number | boolean | readonly string[]>> | undefined;
}

/** One check of an {@link Examination}. */
export interface ExaminedCheck extends CheckFinding {
  /** Which check it is. */
  readonly id: ExaminedId;
  /** What it is about, and what for, in a few words. */
  readonly title: string;
  /** The code of what failed, where something did; `details` then are that error's, as far as they are plain. */
  readonly code?: RegistryErrorCode | undefined;
  /** How long it took, in milliseconds. */
  readonly elapsedMs: number;
}

/** What `examineRegistry` found; plain data. */
export interface Examination {
  /** The place that was looked at. */
  readonly registry: string;
  /** The worst of the checks; `not-asked` does not count. */
  readonly status: "ok" | "warning" | "failed";
  /** All of them, in the order they were made. */
  readonly checks: readonly ExaminedCheck[];
  /** What the checks wrote and could not take away again, such as `host/app:tranship-doctor-1f3a`. */
  readonly left: readonly string[];
}
