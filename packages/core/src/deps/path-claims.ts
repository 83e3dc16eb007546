import { dirname } from "node:path";

/** Whose a path is: `key` tells one content from another, `id` names the item. */
export interface PathOwner {
  readonly key: string;
  readonly id: string;
}

/**
 * Gives each path to one content, and none inside another's: where a file is, no folder can be. Paths that differ in case or
 * in how their characters are composed are one: on many file systems they are.
 */
export class PathClaims {
  readonly #owners = new Map<string, PathOwner>();
  readonly #folders = new Map<string, PathOwner>();

  /** Takes a path, unless it is another's, or in the way of another's: then gives who has it. */
  claim(written: string, owner: PathOwner): PathOwner | undefined {
    if (this.isOwn(written, owner.key)) return undefined;
    const path = folded(written);
    const folders = foldersOf(path);
    const holder =
      this.#owners.get(path) ??
      this.#folders.get(path) ??
      folders.map((folder) => this.#owners.get(folder)).find((one) => one !== undefined);
    if (holder !== undefined) return holder;
    this.#owners.set(path, owner);
    for (const folder of folders) if (!this.#folders.has(folder)) this.#folders.set(folder, owner);
    return undefined;
  }

  /** Whether this content has the path. */
  isOwn(path: string, key: string): boolean {
    return this.#owners.get(folded(path))?.key === key;
  }
}

function folded(path: string): string {
  return path.normalize("NFC").toLowerCase();
}

function foldersOf(path: string): readonly string[] {
  const folders: string[] = [];
  for (let folder = dirname(path), below = path; folder !== below; below = folder, folder = dirname(folder))
    folders.push(folder);
  return folders;
}
