import { join } from "node:path";
import { findEntry, type PruneFindings, readEntries } from "./prune-findings.ts";

/** Finds git mirrors below a folder that are none of `kept`, and folders that would be empty. */
export async function pruneMirrors(root: string, kept: ReadonlySet<string>, findings: PruneFindings): Promise<void> {
  const visit = async (folder: string): Promise<boolean> => {
    let isEmpty = true;
    for (const { path, stat } of await readEntries(folder)) {
      if (kept.has(path)) isEmpty = false;
      else if (!stat.isDirectory()) {
        findings.tellUnknown(path, "it is no git mirror");
        isEmpty = false;
      } else if (await isMirror(path)) await findings.removeTree(path, "unused");
      else isEmpty = (await visit(path)) && isEmpty;
    }
    if (isEmpty && folder !== root) findings.removeFolder(folder);
    return isEmpty;
  };
  await visit(root);
}

async function isMirror(path: string): Promise<boolean> {
  const [head, objects] = [await findEntry(join(path, "HEAD")), await findEntry(join(path, "objects"))];
  return head?.stat.isFile() === true && objects?.stat.isDirectory() === true;
}
