import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { onDiskIfAny } from "../file-error.ts";

/** How long the beginning of content is kept that nobody asks for any more, in milliseconds: 30 days. */
export const defaultKeepPartialsMs: number = 30 * 24 * 60 * 60 * 1000;

/** How long files of a run that ended badly are kept, in milliseconds: nothing takes a day. */
const keepTemporaryMs = 24 * 60 * 60 * 1000;

/** A file of a staging folder. */
export interface Leftover {
  readonly path: string;
  readonly sizeBytes: number;
  /** How long ago it was written or asked for last, in milliseconds. */
  readonly ageMs: number;
  /** `partial`: the beginning of content, which the next run goes on with; `temporary`: of no use to anybody. */
  readonly kind: "partial" | "temporary";
}

/** The name of what is there of a content. */
const partialPattern = /^(?:sha256-[0-9a-f]{64}|sha512-[0-9a-f]{128})$/;

/** The name of a file for content of unknown digest, or that is shared. */
const temporaryPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** What is in a staging folder, by name; nothing where there is none. @throws DepsError `FILE_FAILED` */
async function leftoversIn(folder: string, nowMs: number = Date.now()): Promise<readonly Leftover[]> {
  const names = (await onDiskIfAny(folder, () => readdir(folder))) ?? [];
  const found: Leftover[] = [];
  for (const name of names.sort()) {
    const kind = partialPattern.test(name) ? "partial" : temporaryPattern.test(name) ? "temporary" : undefined;
    if (kind === undefined) continue; // not ours
    const path = join(folder, name);
    const stats = await onDiskIfAny(path, () => lstat(path));
    if (stats?.isFile()) found.push({ path, sizeBytes: stats.size, ageMs: nowMs - stats.mtimeMs, kind });
  }
  return found;
}

/**
 * What of a staging folder can go: partial files nobody asked for in `keepMs`, and files a run left that ended badly a day
 * ago. Nothing is removed.
 * @param keepMs in milliseconds, 30 days unless told
 * @throws DepsError `FILE_FAILED`
 */
export async function abandonedIn(
  folder: string,
  keepMs: number = defaultKeepPartialsMs,
  nowMs: number = Date.now(),
): Promise<readonly Leftover[]> {
  const found = await leftoversIn(folder, nowMs);
  return found.filter(({ kind, ageMs }) => ageMs > (kind === "partial" ? keepMs : keepTemporaryMs));
}
