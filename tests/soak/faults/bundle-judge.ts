import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The sha256 of every file below a folder, by its path in it. */
export type Tree = Readonly<Record<string, string>>;

/** Where the lock file of a bundle is. */
const lockName = "tranship.lock.json";

/** Everything below `folder`, hashed; nothing where there is no folder. */
export function treeOf(folder: string): Tree {
  if (!existsSync(folder)) return {};
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files.map(({ parentPath, name }) => {
      const path = join(parentPath, name);
      return [path.slice(folder.length + 1), createHash("sha256").update(readFileSync(path)).digest("hex")] as const;
    }),
  );
}

/** Names of files that are not the same in both, or in one of them only. */
export function treeDifference(expected: Tree, actual: Tree): readonly string[] {
  const names = new Set([...Object.keys(expected), ...Object.keys(actual)]);
  return [...names].filter((name) => expected[name] !== actual[name]).sort();
}

/**
 * What is wrong with a bundle whose pull has not come to its end: a file under its own name is that of the bundle before
 * or of the one to be, and a lock file speaks for all of one of them.
 */
export function unfinishedFaults(folder: string, before: Tree, truth: Tree): readonly string[] {
  const now = treeOf(folder);
  const own = (name: string) => !name.includes("/") && !/\.(?:partial|tmp)$/.test(name);
  const mixed = Object.entries(now)
    .filter(([name, digest]) => own(name) && digest !== before[name] && digest !== truth[name])
    .map(([name]) => `${name} is neither what it was nor what it is to be`);
  const lock = now[lockName];
  if (lock === undefined) return mixed;
  const meant = [before, truth].filter((tree) => tree[lockName] === lock);
  const isKept = meant.some((tree) =>
    Object.entries(tree).every(([name, digest]) => !own(name) || now[name] === digest),
  );
  return isKept ? mixed : [...mixed, "there is a lock file, and not all that it speaks for"];
}
