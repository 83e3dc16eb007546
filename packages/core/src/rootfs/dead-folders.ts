import { lstat, readdir, readFile, rename, rmdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { removeTree } from "./source/modes/remove-tree.ts";
import { isGone, parseOwner } from "./store/build-owner.ts";

/** How folders of scratch are named, and what is in each. */
export const scratchNames = { prefix: ".tranship-rootfs-", owner: "owner", replaced: "replaced" } as const;

/** A longer text is no owner's, in bytes. */
const maxOwnerBytes = 4096;

/** From making a folder to naming its owner it cannot take longer, in milliseconds. */
const beginningMs = 60_000;

/**
 * Removes the folders of scratch in `parent` that this user's processes left when they were killed. What one of them had moved
 * away to put something else there, and did not, is put back. What cannot be known or removed stays.
 */
export async function removeDeadFolders(parent: string): Promise<void> {
  for (const name of await readdir(parent).catch(() => [])) {
    if (name.startsWith(scratchNames.prefix)) await removeDead(parent, name).catch(() => {});
  }
}

async function removeDead(parent: string, name: string): Promise<void> {
  const folder = join(parent, name);
  const found = await lstat(folder);
  if (!found.isDirectory() || found.uid !== process.geteuid?.()) return; // what is in it would be somebody else's word
  const path = join(folder, scratchNames.owner);
  const { size } = await lstat(path).catch(() => ({ size: undefined }));
  if (size === undefined) {
    if (Date.now() - found.mtimeMs > beginningMs) await rmdir(folder); // with something in it, it is none of these
    return;
  }
  const text = size <= maxOwnerBytes ? await readFile(path, "utf8") : "";
  const owner = parseOwner(text);
  if (!owner || !(await isGone(owner))) return;
  const { replaces } = JSON.parse(text) as { readonly replaces?: unknown };
  if (typeof replaces === "string")
    await putBack(join(folder, scratchNames.replaced), join(parent, basename(replaces)));
  await removeScratch(folder);
}

/**
 * Removes a folder of scratch, whose owner's name goes last: a process that is killed meanwhile leaves one that the next will
 * remove, and nothing that would be put back.
 * @throws RootfsError `FILE_FAILED`
 */
export async function removeScratch(folder: string): Promise<void> {
  await rename(join(folder, scratchNames.replaced), join(folder, "removed")).catch(() => {});
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (name !== scratchNames.owner) await removeTree(join(folder, name));
  await removeTree(folder);
}

/** Not over what is there: a directory is never renamed over one that has something in it. */
async function putBack(replaced: string, target: string): Promise<void> {
  const isThere = await lstat(target).catch(() => undefined);
  const wasThere = await lstat(replaced).catch(() => undefined);
  if (!isThere && wasThere) await rename(replaced, target);
}
