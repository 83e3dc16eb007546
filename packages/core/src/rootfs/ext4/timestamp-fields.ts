import type { Timestamp } from "../../layer-archive/layer-entry.ts";

/** A moment as an ext4 inode has it. */
export interface TimestampFields {
  readonly low: number;
  /** Nanoseconds, and two bits that carry the seconds on beyond 2038. */
  readonly extra: number;
}

/** The range of ext4's seconds; beyond 2310 they would be taken for moments before 1970. */
const first = -(2 ** 31);
const end = 2.5 * 2 ** 32;

/**
 * How ext4 keeps a moment; one that it cannot keep becomes 1970.
 * @see Linux kernel documentation, "ext4 Data Structures and Algorithms", "Inode Timestamps"
 */
export function timestampFields({ seconds, nanoseconds }: Timestamp): TimestampFields {
  if (seconds < first || seconds >= end) return { low: 0, extra: 0 };
  const low = seconds | 0;
  const epoch = (seconds - low) / 2 ** 32;
  return { low: low >>> 0, extra: nanoseconds * 4 + epoch };
}
