import { join } from "node:path";
import { abandonedIn } from "../staging/leftovers.ts";
import { incomingFolder, removedFolder } from "./cache-tree.ts";
import { type FolderEntry, findEntry, type PruneFindings, readEntries } from "./prune-findings.ts";

/** `components-20260724T101500Z-0123456789ab.json`, or with underscores */
const copyName = /^(.+)([-_])([0-9]{8}T[0-9]{6}Z)\2([0-9a-f]{12})\.json$/;

/** Finds copies of manifests beyond the newest `count` of each. The manifests themselves stay. */
export async function pruneHistory(folder: string, count: number, findings: PruneFindings): Promise<void> {
  const copies = new Map<string, { readonly entry: FolderEntry; readonly time: string }[]>();
  for (const entry of await readEntries(folder)) {
    if (findings.isUnfinished(entry)) continue;
    const [, stem, , time] = copyName.exec(entry.name) ?? [];
    if (stem !== undefined && time !== undefined && entry.stat.isFile())
      copies.set(stem, [...(copies.get(stem) ?? []), { entry, time }]);
    else if (!entry.stat.isFile() || !entry.name.endsWith(".json"))
      findings.tellUnknown(entry.path, "it is no manifest");
  }
  for (const list of copies.values()) {
    const newestFirst = list.toSorted((a, b) => (a.time < b.time ? 1 : a.time > b.time ? -1 : 0));
    for (const { entry } of newestFirst.slice(count)) findings.remove(entry, "old-copy");
  }
}

/** Finds manifests kept as they came that nothing names, beyond the newest `count`. */
export async function pruneUpstream(
  folder: string,
  named: (digest: string) => boolean,
  count: number,
  findings: PruneFindings,
): Promise<void> {
  const unnamed: FolderEntry[] = [];
  for (const algorithm of await readEntries(folder)) {
    for (const entry of algorithm.stat.isDirectory() ? await readEntries(algorithm.path) : []) {
      const [, hex] = /^([0-9a-f]+)\.json$/.exec(entry.name) ?? [];
      if (findings.isUnfinished(entry)) continue;
      if (hex === undefined || !entry.stat.isFile()) findings.tellUnknown(entry.path, "it is no manifest");
      else if (!named(`${algorithm.name}:${hex}`)) unnamed.push(entry);
    }
  }
  const newestFirst = unnamed.toSorted((a, b) => Number(b.stat.mtimeNs - a.stat.mtimeNs));
  for (const entry of newestFirst.slice(count)) findings.remove(entry, "old-copy");
}

/** Finds what was begun and not gone on with for `ageMs`. */
export async function prunePartials(folder: string, ageMs: number, findings: PruneFindings): Promise<void> {
  for (const { path } of await abandonedIn(folder, ageMs, findings.nowMs)) {
    const entry = await findEntry(path);
    if (entry) findings.remove(entry, "unfinished");
  }
}

/** Finds folders of what was taken away, and of what was taken over and not gone on with for `ageMs`. */
export async function pruneUnfinishedFolders(work: string, ageMs: number, findings: PruneFindings): Promise<void> {
  for (const { path } of await readEntries(join(work, removedFolder))) await findings.removeTree(path, "unfinished");
  for (const { path, stat } of await readEntries(join(work, incomingFolder)))
    if (findings.nowMs - Number(stat.mtimeMs) > ageMs) await findings.removeTree(path, "unfinished");
}
