/**
 * Names, paths and link targets inside a root file system are bytes, not text: here they are strings with one character
 * (U+0000 to U+00FF) a byte, so that none is lost, comparing is bytewise, and one costs a byte in memory.
 */
export type ByteString = string;

/** What a user wrote, as the bytes of its UTF-8 form. */
export function byteStringOf(text: string): ByteString {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** As people read it: bytes that are not UTF-8 become U+FFFD. For messages, never for finding a file. */
export function textOfByteString(bytes: ByteString): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}

/** A moment, in whole seconds since 1970 (negative before it) and nanoseconds after that (0 to 999,999,999). */
export interface Timestamp {
  readonly seconds: number;
  readonly nanoseconds: number;
}

/** Part of a sparse file that has bytes; what lies between is zeros. All in bytes. */
export interface DataExtent {
  /** Where it is in the file. */
  readonly at: number;
  /** Where it is in the unpacked layer. */
  readonly offset: number;
  readonly length: number;
}

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
