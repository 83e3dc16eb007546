import { readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { DepsItem, FileTreeSink, GitMirrorSource } from "../manifest.ts";
import type { CacheTree } from "./cache-tree.ts";
import { exportLayout, type LayoutContext } from "./export-layout.ts";
import { type ExportList, incomplete } from "./export-list.ts";
import { itemPlace } from "./item-place.ts";
import { isMirrorFile, mirrorConfig } from "./mirror-files.ts";
import { findEntry, readEntries } from "./prune-findings.ts";

/** Adds what there is of each item. What is pushed to registries is in no cache, and passed over. @throws DepsError `INCOMPLETE`, `SINK_UNSUITABLE` */
export async function exportItems(
  items: readonly DepsItem[],
  tree: CacheTree,
  list: ExportList,
  context: LayoutContext,
): Promise<void> {
  const layouts = new Map<string, DepsItem[]>();
  for (const item of items) {
    context.signal.throwIfAborted();
    const { sink, source, digest } = item;
    if (sink.type === "file" && source.type === "git") await exportMirror(item, source, sink, list);
    else if (sink.type === "file") {
      await list.addFile(sink.path, item, digest);
      for (const link of sink.links) list.addLink(link, sink.path, item);
    } else if (sink.type !== "push") {
      const path = itemPlace(sink);
      layouts.set(path, [...(layouts.get(path) ?? []), item]);
    }
  }
  for (const [path, own] of layouts) await exportLayout(path, own, list, context);
  for (const { path } of tree.of("manifests")) await exportManifests(path, tree, list);
}

async function exportMirror(
  item: DepsItem,
  source: GitMirrorSource,
  { path }: FileTreeSink,
  list: ExportList,
): Promise<void> {
  if (!(await findEntry(join(path, "HEAD")))) throw incomplete(item, path, "it is no git mirror");
  list.addMirror(path, item);
  list.addBytes(list.nameOf(join(path, "config"), item), await mirrorConfig(path, source));
  const visit = async (folder: string): Promise<void> => {
    for (const entry of await readEntries(folder)) {
      const name = relative(path, entry.path).split(sep).join("/");
      if (entry.stat.isDirectory()) await visit(entry.path);
      else if (entry.stat.isFile() && isMirrorFile(name) && name !== "config") await list.addFile(entry.path, item);
    }
  };
  await visit(path);
}

/** Adds the manifests themselves, without older copies. */
async function exportManifests(folder: string, tree: CacheTree, list: ExportList): Promise<void> {
  const place = tree.placeOf(folder);
  for (const { name, path, stat } of await readEntries(folder))
    if (stat.isFile() && /^[a-z0-9][\w.-]*\.json$/.test(name) && !/[-_][0-9]{8}T[0-9]{6}Z[-_]/.test(name))
      list.addBytes(`${place?.folder.name}/${name}`, await readFile(path));
}
