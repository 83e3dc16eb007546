import type { DirectoryInode, InodeMetadata } from "./inode.ts";

/** What a directory has that no layer says anything of: 0755, of root, from the beginning of 1970. */
export const impliedMetadata: Readonly<InodeMetadata> = {
  mode: 0o755,
  uid: 0,
  gid: 0,
  mtime: { seconds: 0, nanoseconds: 0 },
  atime: undefined,
  xattrs: undefined,
};

/** A directory that is there only because something is in it. */
export function impliedDirectory(): DirectoryInode {
  return { type: "directory", ...impliedMetadata, entries: new Map() };
}

/** Gives an inode other metadata, all of it. */
export function setMetadata(inode: InodeMetadata, metadata: Readonly<InodeMetadata>): void {
  inode.mode = metadata.mode;
  inode.uid = metadata.uid;
  inode.gid = metadata.gid;
  inode.mtime = metadata.mtime;
  inode.atime = metadata.atime;
  inode.xattrs = metadata.xattrs;
}
