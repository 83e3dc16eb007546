import type { LayerEntry } from "../../packages/core/src/layer-archive/layer-entry.ts";
import type { OnRootfsEvent } from "../../packages/core/src/rootfs/events.ts";
import { defaultRootfsLimits, type RootfsLimits } from "../../packages/core/src/rootfs/limits.ts";
import type { DirectoryInode, Inode } from "../../packages/core/src/rootfs/tree/inode.ts";
import { TreeMerger } from "../../packages/core/src/rootfs/tree/tree-merger.ts";
import { walkTree } from "../../packages/core/src/rootfs/tree/walk-tree.ts";

const digest = `sha256:${"0".repeat(64)}` as never;

/** An entry as a test writes it: a regular file unless it says otherwise. */
export type EntryText = Partial<LayerEntry> & { readonly name: string };

/** A whole entry: 0644 (0755 for directories), of root, from second 1000. */
export function entryOf(entry: EntryText): LayerEntry {
  const mode = entry.type === "directory" ? 0o755 : 0o644;
  const plain = { type: "file", mode, uid: 0, gid: 0, mtime: { seconds: 1000, nanoseconds: 0 }, size: 0, offset: 0 };
  return { ...plain, ...entry } as LayerEntry;
}

/** A directory's entry. */
export function dir(name: string, more: Partial<LayerEntry> = {}): EntryText {
  return { ...more, name, type: "directory" };
}

/** A file's entry; its size tells it from others in a listing. */
export function file(name: string, size = 0, more: Partial<LayerEntry> = {}): EntryText {
  return { ...more, name, size };
}

/** A symbolic link's entry. */
export function symlink(name: string, linkName: string): EntryText {
  return { name, type: "symlink", linkName };
}

/** A hard link's entry. */
export function hardlink(name: string, linkName: string): EntryText {
  return { name, type: "hardlink", linkName };
}

/** Merges layers, base first. */
export function merge(
  layers: ReadonlyArray<readonly EntryText[]>,
  limits: Partial<RootfsLimits> = {},
  onEvent?: OnRootfsEvent,
): DirectoryInode {
  const merger = new TreeMerger({
    reference: "test.example/app:1",
    layers: layers.map(() => ({ digest })),
    limits: { ...defaultRootfsLimits, ...limits },
    onEvent,
  });
  layers.forEach((entries, layer) => {
    merger.beginLayer(layer);
    for (const entry of entries) merger.apply(entryOf(entry));
    merger.endLayer();
  });
  return merger.finish();
}

/** What a tree holds: `path` to what is there, `/` after a directory, a file's size, a link's target, `=path` for a further name. */
export function listingOf(root: DirectoryInode): Record<string, string> {
  const first = new Map<Inode, string>();
  const listing: Record<string, string> = {};
  for (const { path, inode } of walkTree(root)) {
    if (path === "") continue;
    const known = first.get(inode);
    first.set(inode, path);
    listing[path] = known === undefined ? textOf(inode) : `=${known}`;
  }
  return listing;
}

function textOf(inode: Inode): string {
  switch (inode.type) {
    case "directory":
      return "/";
    case "file":
      return String(inode.size);
    case "symlink":
      return `-> ${inode.target}`;
    default:
      return inode.type;
  }
}
