import type { ByteString } from "../../layer-archive/byte-string.ts";
import type { DataExtent, Timestamp } from "../../layer-archive/layer-entry.ts";

/** Where a regular file's bytes are. */
export type FileContent =
  /** In an unpacked layer, `size` bytes from `offset` on, or only at `extents` (ascending in both) of a sparse file. */
  | { readonly layer: number; readonly offset: number; readonly extents?: readonly DataExtent[] | undefined }
  /** In memory: an edit's. */
  | { readonly bytes: Uint8Array };

/** What every inode has. `links` is kept by the tree. */
export interface InodeMetadata {
  /** Permission bits with setuid, setgid and sticky: 0 to 0o7777. */
  mode: number;
  uid: number;
  gid: number;
  mtime: Timestamp;
  /** Only where it is later than `mtime`. */
  atime: Timestamp | undefined;
  /** Names as the kernel has them (`security.capability`), sorted by name; `undefined` for none. */
  xattrs: ReadonlyMap<ByteString, Uint8Array> | undefined;
}

/** A directory. */
export interface DirectoryInode extends InodeMetadata {
  readonly type: "directory";
  /** By name, in no order. */
  readonly entries: Map<ByteString, Inode>;
}

/** A regular file. Names that share one are hard links. */
export interface FileInode extends InodeMetadata {
  readonly type: "file";
  /** Logical size in bytes, holes included. */
  size: number;
  content: FileContent;
}

/** A symbolic link; its target is kept as it was written. */
export interface SymlinkInode extends InodeMetadata {
  readonly type: "symlink";
  readonly target: ByteString;
}

/** A character or block device. */
export interface DeviceInode extends InodeMetadata {
  readonly type: "character" | "block";
  readonly major: number;
  readonly minor: number;
}

/** A named pipe. */
export interface FifoInode extends InodeMetadata {
  readonly type: "fifo";
}

/** What a name stands for. Hard links are names for the same object. */
export type Inode = DirectoryInode | FileInode | SymlinkInode | DeviceInode | FifoInode;

/** Names of a directory in the order every output has them: bytewise. */
export function sortedEntries(directory: DirectoryInode): readonly (readonly [ByteString, Inode])[] {
  return [...directory.entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}
