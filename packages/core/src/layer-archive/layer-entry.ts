import type { ByteString } from "./byte-string.ts";

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

/** One entry of a layer's tar archive, its extended headers applied and nothing else interpreted. */
export interface LayerEntry {
  /** As it is in the archive: maybe absolute, with `.` or `..` in it, a whiteout, or ending in `/`. */
  readonly name: ByteString;
  readonly type: "file" | "directory" | "symlink" | "hardlink" | "character" | "block" | "fifo";
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: Timestamp;
  readonly atime?: Timestamp | undefined;
  /** Logical size of a file in bytes, 0 for everything else. */
  readonly size: number;
  /** Where a file's data starts in the unpacked layer, in bytes. */
  readonly offset: number;
  /** Of a sparse file: the parts that have data. */
  readonly extents?: readonly DataExtent[] | undefined;
  /** Target of a symlink or hard link. */
  readonly linkName?: ByteString | undefined;
  readonly major?: number | undefined;
  readonly minor?: number | undefined;
  /** In the archive's order. */
  readonly xattrs?: readonly (readonly [ByteString, Uint8Array])[] | undefined;
}

/** What a layer was found to be when it was read once from end to end. */
export interface LayerScan {
  /** Bytes of the unpacked archive, what follows its end marker included. */
  readonly unpackedBytes: number;
  readonly entries: number;
}
