import { realpath } from "node:fs/promises";
import { localIfAny } from "../../layout/atomic-file.ts";
import { type FolderEntry, type PruneFindings, readEntries } from "./prune-findings.ts";

/** Finds files and links below a folder that are none of `kept`, and folders that would be empty. */
export async function pruneFiles(root: string, kept: ReadonlySet<string>, findings: PruneFindings): Promise<void> {
  const visit = async (folder: string): Promise<boolean> => {
    let isEmpty = true;
    for (const entry of await readEntries(folder)) {
      const goes = kept.has(entry.path) && !entry.stat.isSymbolicLink() ? false : await visitEntry(entry);
      isEmpty &&= goes;
    }
    if (isEmpty && folder !== root) findings.removeFolder(folder);
    return isEmpty;
  };
  const visitEntry = async (entry: FolderEntry): Promise<boolean> => {
    const { path, stat } = entry;
    if (stat.isDirectory()) return await visit(path);
    if (findings.isUnfinished(entry)) return false;
    if (stat.isSymbolicLink()) {
      if (!(await isDead(path))) {
        if (kept.has(path)) return false;
        findings.remove(entry, "unused");
      } else findings.remove(entry, "dead-link");
      return true;
    }
    if (stat.isFile() && !entry.name.startsWith(".")) {
      findings.remove(entry, "unused");
      return true;
    }
    findings.tellUnknown(path, stat.isFile() ? "its name is none of ours" : "it is no file");
    return false;
  };
  await visit(root);
}

/** What kept links lead to, whatever they should lead to. */
export async function linkTargets(links: Iterable<string>): Promise<readonly string[]> {
  const targets: string[] = [];
  for (const link of links) {
    const target = await localIfAny(link, () => realpath(link)).catch(() => undefined);
    if (target !== undefined) targets.push(target);
  }
  return targets;
}

async function isDead(path: string): Promise<boolean> {
  return (await localIfAny(path, () => realpath(path)).catch(() => undefined)) === undefined; // a circle, too, leads nowhere
}
