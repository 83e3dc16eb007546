import { dirname, join, relative } from "node:path";
import { realPathOf } from "../cache/cache-folder.ts";
import type { DepsItem, DepsSink } from "../manifest.ts";
import type { CacheTree } from "./cache-tree.ts";

/**
 * Items with the paths that the folders of a cache have: theirs may lead there by symbolic links, as whoever knows the cache
 * by another name has them. What is elsewhere stays as it is.
 */
export async function itemsIn(tree: CacheTree, items: readonly DepsItem[]): Promise<readonly DepsItem[]> {
  const names = new FolderNames(tree);
  const found: DepsItem[] = [];
  for (const item of items) found.push({ ...item, sink: await sinkIn(names, item.sink) });
  return found;
}

async function sinkIn(names: FolderNames, sink: DepsSink): Promise<DepsSink> {
  switch (sink.type) {
    case "file": {
      const links: string[] = [];
      for (const link of sink.links) links.push(await names.pathOf(link));
      return { ...sink, path: await names.pathOf(sink.path), links };
    }
    case "repository-layout":
      return { ...sink, root: await names.pathOf(sink.root) };
    case "layout":
      return { ...sink, path: await names.pathOf(sink.path) };
    case "push":
      return sink;
  }
}

/** The folders of a cache by whatever they are called. */
class FolderNames {
  readonly #tops: readonly string[];
  readonly #known = new Map<string, string | undefined>();

  constructor(tree: CacheTree) {
    this.#tops = [tree.root, ...tree.of("stores").map(({ path }) => path)];
  }

  async pathOf(path: string): Promise<string> {
    for (let folder = path; ; folder = dirname(folder)) {
      const top = await this.#topAt(folder);
      if (top !== undefined) return join(top, relative(folder, path));
      if (dirname(folder) === folder) return path;
    }
  }

  async #topAt(folder: string): Promise<string | undefined> {
    if (this.#tops.includes(folder)) return folder;
    if (this.#known.has(folder)) return this.#known.get(folder);
    const real = await realPathOf(folder).catch(() => undefined); // a circle leads nowhere
    const top = this.#tops.find((one) => one === real);
    this.#known.set(folder, top);
    return top;
  }
}
