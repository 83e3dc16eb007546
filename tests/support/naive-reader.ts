import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * An archive the way a simple reader takes it: the whole file if there is one, else its chunks from number 0 up to the first
 * that is missing, without a look at locks or unfinished work. `undefined` when there is neither.
 */
export function naiveRead(folder: string, archive: string): Buffer | undefined {
  const whole = join(folder, archive);
  if (existsSync(whole)) return readFileSync(whole);
  const chunks: Buffer[] = [];
  for (;;) {
    const chunk = `${whole}.${String(chunks.length).padStart(4, "0")}.chunk`;
    if (!existsSync(chunk)) return chunks.length > 0 ? Buffer.concat(chunks) : undefined;
    chunks.push(readFileSync(chunk));
  }
}

/** The logical names of all archives in a folder, whole or in chunks. */
export function naiveNames(folder: string): readonly string[] {
  const names = readdirSync(folder).flatMap((name) => /^(.+\.tar)(?:\.[0-9]+\.chunk)?$/.exec(name)?.[1] ?? []);
  return [...new Set(names)].sort();
}

/** What GNU tar says is in an archive. @throws Error when it does not take it to the end */
export function listTar(archive: Uint8Array): readonly string[] {
  return execFileSync("tar", ["-t"], { input: archive, encoding: "utf8" }).trim().split("\n");
}
