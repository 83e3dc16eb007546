import { createHash } from "node:crypto";
import { createReadStream, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

/** The sha256 of every file of a bundle, by name: archives, chunks, the lock file, and what should not be there. */
export async function fileDigests(folder: string): Promise<Readonly<Record<string, string>>> {
  const names = readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();
  const digests: Record<string, string> = {};
  for (const name of names) {
    const hash = createHash("sha256");
    await pipeline(createReadStream(join(folder, name), { highWaterMark: 1024 * 1024 }), hash);
    digests[name] = hash.digest("hex");
  }
  return digests;
}

/** Names of files that are not the same in both, or in one of them only. */
export function differing(
  expected: Readonly<Record<string, string>>,
  actual: Readonly<Record<string, string>>,
): readonly string[] {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(actual)])].sort();
  return names.filter((name) => expected[name] !== actual[name]);
}

/**
 * Bytes of an archive's files, finished or not, that are not zero: of random content, almost all that has come. Without a
 * name, of all archives.
 */
export function filledBytes(folder: string, archive = ""): number {
  const names = readdirSync(folder).filter((name) => name.includes(".tar") && name.startsWith(archive));
  return names.reduce((sum, name) => sum + readFileSync(join(folder, name)).filter((byte) => byte !== 0).length, 0);
}
