import { join } from "node:path";
import { findEntry, type PruneFindings, readEntries } from "./prune-findings.ts";

/** What mirrors are called while they are made. */
const unfinished = /^\..+\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** Finds git mirrors below a folder that are none of `kept`, and folders that would be empty. */
export async function pruneMirrors(root: string, kept: ReadonlySet<string>, findings: PruneFindings): Promise<void> {
  const visit = async (folder: string): Promise<boolean> => {
    let isEmpty = true;
    for (const { name, path, stat } of await readEntries(folder)) {
      if (stat.isDirectory() && unfinished.test(name)) await findings.removeTree(path, "unfinished");
      else if (kept.has(path)) isEmpty = false;
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
