import { createHash } from "node:crypto";

/**
 * Which of `count` shards, counted from 1, a name belongs to when nothing but the name is known: whatever other names
 * there are, it stays in that one.
 */
export function shardOfName(name: string, count: number): number {
  const number = createHash("sha256").update(name).digest().readUIntBE(0, 6);
  return (number % count) + 1;
}
