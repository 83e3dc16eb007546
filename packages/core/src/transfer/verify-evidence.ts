import type { Digest } from "@tranship/registry";
import type { Shard } from "../plan/shards/shard.ts";
import type { VerifyReport } from "./verify-report.ts";

/** What was verified, and against what. */
export interface VerifySubject {
  /** The place, as messages name it. */
  readonly place: string;
  /** The digest of the plan file the place was held against. */
  readonly plan?: Digest | undefined;
  /** The part of the plan that the place was held against. @defaultValue all of it */
  readonly shard?: Shard | undefined;
  /** The lock files of the bundles that were verified, by their folders. */
  readonly locks?: readonly { readonly directory: string; readonly digest: Digest }[] | undefined;
}

/** The record of a verification, to be kept with what was delivered. */
export interface VerifyEvidence extends VerifySubject, VerifyReport {
  readonly version: 1;
  readonly kind: "verification";
}

/**
 * The text of a verification's record: JSON with two spaces and a final newline. It tells neither time nor user,
 * so equal content verified against an equal plan gives equal bytes.
 */
export function formatVerifyEvidence(report: VerifyReport, subject: VerifySubject): string {
  return `${JSON.stringify(verifyEvidence(report, subject), undefined, 2)}\n`;
}

/** The record of a verification as plain data. */
export function verifyEvidence(
  report: VerifyReport,
  { place, plan, shard, locks = [] }: VerifySubject,
): VerifyEvidence {
  const { ok, archives, images, blobs, bytes, assumed, leftOut, repositories, findings } = report;
  return {
    version: 1,
    kind: "verification",
    place,
    ...(plan === undefined ? {} : { plan }),
    ...(shard ? { shard: { index: shard.index, count: shard.count } } : {}),
    locks: locks.map(({ directory, digest }) => ({ directory, digest })),
    ok,
    archives,
    images,
    blobs,
    bytes,
    assumed,
    ...(leftOut ? { leftOut } : {}),
    repositories,
    findings,
  };
}
