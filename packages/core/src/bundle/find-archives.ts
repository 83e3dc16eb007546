import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { MirrorError } from "../errors.ts";
import { compareText } from "../layout/index-file.ts";
import { parseArchiveFileName } from "./archive-names.ts";
import { localError } from "./local-error.ts";
import { archiveInvalid } from "./tar-reader.ts";

/** An archive of a bundle: its name, and the files that make it up in order (one, or its chunks). */
export interface FoundArchive {
  /** Such as `package-console.tar`, also where it is split into chunks. */
  readonly name: string;
  readonly paths: readonly string[];
}

/**
 * The archives directly in a directory, by name. Links to files are followed; hidden files are not looked at: some systems
 * leave `._platform.tar` beside `platform.tar`.
 * @throws MirrorError `BUNDLE_NOT_FOUND`, `ARCHIVE_INVALID`, `FILE_FAILED`
 */
export async function findArchives(directory: string): Promise<readonly FoundArchive[]> {
  const whole = new Map<string, string>();
  const chunks = new Map<string, Map<number, string>>();
  for (const name of await listFiles(directory)) {
    const { archive, chunk } = parseArchiveFileName(name) ?? {};
    if (archive === undefined) continue;
    if (chunk === undefined) whole.set(archive, join(directory, name));
    else {
      const set = chunks.get(archive) ?? new Map<number, string>();
      if (set.has(chunk)) throw archiveInvalid(archive, `chunk ${chunk} is there twice`);
      chunks.set(archive, set.set(chunk, join(directory, name)));
    }
  }
  const found: FoundArchive[] = [...whole].map(([name, path]) => ({ name, paths: [path] }));
  for (const [name, set] of chunks) {
    if (whole.has(name)) throw archiveInvalid(name, "it is there whole and in chunks; one of them is out of date");
    found.push({ name, paths: inOrder(name, set) });
  }
  return found.sort((a, b) => compareText(a.name, b.name));
}

function inOrder(name: string, chunks: ReadonlyMap<number, string>): readonly string[] {
  return Array.from({ length: chunks.size }, (_, at) => {
    const path = chunks.get(at);
    if (path === undefined) throw archiveInvalid(name, `chunk ${String(at).padStart(4, "0")} is missing`);
    return path;
  });
}

async function listFiles(directory: string): Promise<readonly string[]> {
  const files: string[] = [];
  for (const entry of await listDirectory(directory)) {
    if (entry.name.startsWith(".")) continue;
    if (entry.isFile() || (entry.isSymbolicLink() && (await isFile(join(directory, entry.name)))))
      files.push(entry.name);
  }
  return files.sort(compareText);
}

async function listDirectory(directory: string): Promise<readonly Dirent[]> {
  try {
    return await readdir(directory, { withFileTypes: true });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== "ENOENT" && code !== "ENOTDIR") throw localError(error, directory);
    const message = `there is no bundle at ${directory}`;
    throw new MirrorError("BUNDLE_NOT_FOUND", message, { bundle: directory }, { cause: error });
  }
}

async function isFile(path: string): Promise<boolean> {
  if (!parseArchiveFileName(basename(path))) return false; // where other links lead is not our concern
  try {
    return (await stat(path)).isFile();
  } catch (error) {
    throw localError(error, path);
  }
}
