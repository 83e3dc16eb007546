import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { workFolder } from "../../bundle/bundle-lock.ts";
import { DepsError } from "../errors.ts";
import { onDiskIfAny } from "../file-error.ts";

/**
 * Makes sure that the notes of a cache, and what is unfinished of it, go into its own folder: neither the work folder nor
 * anything right in it may be a symbolic link. Locks are files there too, so this comes before them.
 * @param folder the cache, or a store that is locked with it
 * @throws DepsError `NAME_UNSAFE`, `FILE_FAILED`
 */
export async function requireOwnFolder(folder: string): Promise<void> {
  const work = join(folder, workFolder);
  const found = await onDiskIfAny(work, () => lstat(work));
  if (found === undefined) return;
  if (found.isSymbolicLink()) throw linked(work);
  const entries = (await onDiskIfAny(work, () => readdir(work, { withFileTypes: true }))) ?? [];
  const link = entries.find((entry) => entry.isSymbolicLink());
  if (link !== undefined) throw linked(join(work, link.name));
}

function linked(path: string): DepsError<"NAME_UNSAFE"> {
  const reason = "it is a symbolic link, and the cache keeps its own notes there";
  return new DepsError("NAME_UNSAFE", `cannot write ${path}: ${reason}`, {
    what: "a place in the cache",
    name: path,
    reason,
  });
}
