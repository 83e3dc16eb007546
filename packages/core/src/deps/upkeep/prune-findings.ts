import type { BigIntStats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { identityOf, localIfAny } from "../../layout/atomic-file.ts";
import { compareText } from "../../layout/index-file.ts";
import type { PruneReason, Removal, UnknownPath, Unlisting } from "./prune-plan.ts";

/** A name in a folder. */
export interface FolderEntry {
  readonly name: string;
  readonly path: string;
  readonly stat: BigIntStats;
}

/** What small files are called while they are written, by us and by others that are known. */
const temporaryName = /^\.[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** Nothing takes longer to write, in milliseconds. */
const dayMs = 24 * 60 * 60 * 1000;

/** Gathers what is to be removed, and what is not known. */
export class PruneFindings {
  readonly layouts: Unlisting[] = [];
  readonly unknown: UnknownPath[] = [];
  readonly #removals: Removal[] = [];
  readonly #names = new Map<string, { readonly links: bigint; readonly size: number; removed: number }>();
  readonly nowMs: number;

  constructor(nowMs: number) {
    this.nowMs = nowMs;
  }

  /** A file or link that goes. */
  remove({ name, path, stat }: FolderEntry, reason: PruneReason, layout?: string): void {
    const bytes = Number(stat.size);
    this.#removals.push({
      path,
      kind: stat.isSymbolicLink() ? "link" : "file",
      reason,
      bytes,
      identity: layout !== undefined && name === "index.json" ? undefined : identityOf(stat), // it changes once more
      ...(layout === undefined ? {} : { layout }),
    });
    this.#count(stat);
  }

  /** A folder that goes with all that is in it. */
  async removeTree(path: string, reason: PruneReason): Promise<void> {
    let bytes = 0;
    const visit = async (folder: string): Promise<void> => {
      for (const entry of await readEntries(folder)) {
        if (entry.stat.isDirectory()) await visit(entry.path);
        else {
          bytes += Number(entry.stat.size);
          this.#count(entry.stat);
        }
      }
    };
    await visit(path);
    this.#removals.push({ path, kind: "tree", reason, bytes });
  }

  /** A folder that is empty, or will be. */
  removeFolder(path: string): void {
    this.#removals.push({ path, kind: "folder", reason: "empty", bytes: 0 });
  }

  /** Takes what nobody will finish, if it is such, for something to remove. Gives whether it is something unfinished. */
  isUnfinished(entry: FolderEntry): boolean {
    if (!temporaryName.test(entry.name) || entry.stat.isDirectory()) return false;
    if (this.nowMs - Number(entry.stat.mtimeMs) > dayMs) this.remove(entry, "unfinished");
    return true;
  }

  tellUnknown(path: string, reason: string): void {
    this.unknown.push({ path, reason });
  }

  /** Links, then files, trees, and folders with the deepest first: at any moment what is left is whole. */
  removals(): readonly Removal[] {
    const rank = { link: 0, file: 1, tree: 2, folder: 3 };
    return this.#removals.toSorted(
      (a, b) =>
        rank[a.kind] - rank[b.kind] ||
        (a.kind === "folder" ? depth(b.path) - depth(a.path) : 0) ||
        compareText(a.path, b.path),
    );
  }

  freedBytes(): number {
    return [...this.#names.values()].reduce(
      (sum, { links, size, removed }) => (removed >= links ? sum + size : sum),
      0,
    );
  }

  #count(stat: BigIntStats): void {
    const key = `${stat.dev}:${stat.ino}`;
    const known = this.#names.get(key) ?? { links: stat.nlink, size: Number(stat.size), removed: 0 };
    known.removed += 1;
    this.#names.set(key, known);
  }
}

/** What is in a folder, sorted by name; nothing where there is no such folder. Links are not followed. */
export async function readEntries(folder: string): Promise<readonly FolderEntry[]> {
  const names = (await localIfAny(folder, () => readdir(folder))) ?? [];
  const entries: FolderEntry[] = [];
  for (const name of names.sort(compareText)) {
    const entry = await findEntry(join(folder, name));
    if (entry) entries.push(entry);
  }
  return entries;
}

/** What is at a path, without following it; `undefined` where there is nothing. */
export async function findEntry(path: string): Promise<FolderEntry | undefined> {
  const stat = await localIfAny(path, () => lstat(path, { bigint: true }));
  return stat && { name: basename(path), path, stat };
}

function depth(path: string): number {
  let count = 0;
  for (let at = path; dirname(at) !== at; at = dirname(at)) count += 1;
  return count;
}
