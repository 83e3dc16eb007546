import type { ByteString } from "../../layer-archive/byte-string.ts";
import type { LayerEntry, Timestamp } from "../../layer-archive/layer-entry.ts";
import type { RootfsLimits } from "../limits.ts";
import type { FileContent, Inode, InodeMetadata } from "./inode.ts";
import { PathFault } from "./walk-path.ts";

/** How many moments are kept for being shared. */
const sharedTimestamps = 4096;

/** What device numbers may be at most, as Linux keeps them. */
const maxMajor = 0xfff;
const maxMinor = 0xfffff;

/** The greatest user or group; the one above it means none. */
const maxId = 0xfffffffe;

/** Shorter pieces of a string are copied by the engine itself, longer ones hold on to the whole of it. */
const sliceFrom = 13;

/** Makes inodes of entries, with little memory: equal moments that follow each other are one object. */
export class EntryInodes {
  readonly #timestamps: Array<Timestamp | undefined> = new Array<Timestamp | undefined>(sharedTimestamps).fill(
    undefined,
  );

  /** `name`, without the path it was cut from. */
  nameOf(name: ByteString): ByteString {
    return name.length < sliceFrom ? name : Buffer.from(name, "latin1").toString("latin1");
  }

  /** @throws PathFault for a user or group that is none. */
  metadataOf(entry: LayerEntry): InodeMetadata {
    return {
      mode: entry.mode & 0o7777,
      uid: idOf(entry.uid),
      gid: idOf(entry.gid),
      mtime: this.#shared(entry.mtime),
      atime: this.#atimeOf(entry),
      xattrs: xattrsOf(entry),
    };
  }

  /**
   * What an entry that is no hard link describes.
   * @throws PathFault for numbers no file system takes, and for a link to nothing or to a text over the limit.
   */
  inodeOf(entry: LayerEntry, layer: number, limits: RootfsLimits): Inode {
    const { mode, uid, gid, mtime, atime, xattrs } = this.metadataOf(entry);
    switch (entry.type) {
      case "directory":
        return { type: "directory", mode, uid, gid, mtime, atime, xattrs, entries: new Map() };
      case "file": {
        const content: FileContent = entry.extents
          ? { layer, offset: entry.offset, extents: entry.extents }
          : { layer, offset: entry.offset };
        return { type: "file", mode, uid, gid, mtime, atime, xattrs, size: entry.size, content };
      }
      case "symlink":
        return { type: "symlink", mode: 0o777, uid, gid, mtime, atime, xattrs, target: targetOf(entry, limits) };
      case "character":
      case "block": {
        const { major = 0, minor = 0 } = entry;
        if (!(major >= 0 && major <= maxMajor && minor >= 0 && minor <= maxMinor)) {
          throw new PathFault(`there is no device ${major}:${minor}`);
        }
        return { type: entry.type, mode, uid, gid, mtime, atime, xattrs, major, minor };
      }
      case "fifo":
        return { type: "fifo", mode, uid, gid, mtime, atime, xattrs };
      case "hardlink":
        throw new TypeError("a hard link has no inode of its own");
    }
  }

  #atimeOf({ atime, mtime }: LayerEntry): Timestamp | undefined {
    if (atime === undefined) return undefined;
    const isLater =
      atime.seconds > mtime.seconds || (atime.seconds === mtime.seconds && atime.nanoseconds > mtime.nanoseconds);
    return isLater ? this.#shared(atime) : undefined;
  }

  #shared(timestamp: Timestamp): Timestamp {
    const slot = (timestamp.seconds ^ timestamp.nanoseconds) & (sharedTimestamps - 1);
    const known = this.#timestamps[slot];
    if (known?.seconds === timestamp.seconds && known.nanoseconds === timestamp.nanoseconds) return known;
    this.#timestamps[slot] = timestamp;
    return timestamp;
  }
}

function idOf(id: number): number {
  if (!(Number.isInteger(id) && id >= 0 && id <= maxId)) throw new PathFault(`there is no user or group ${id}`);
  return id;
}

function targetOf({ linkName = "" }: LayerEntry, { maxPathBytes }: RootfsLimits): ByteString {
  if (linkName === "") throw new PathFault("it is a symbolic link to nothing");
  if (linkName.includes("\0")) throw new PathFault("its target has a NUL byte");
  if (linkName.length > maxPathBytes) throw new PathFault("its target is too long", "maxPathBytes");
  return linkName;
}

function xattrsOf({ xattrs }: LayerEntry): ReadonlyMap<ByteString, Uint8Array> | undefined {
  if (xattrs === undefined || xattrs.length === 0) return undefined;
  if (xattrs.length === 1) return new Map(xattrs);
  return new Map([...new Map(xattrs)].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
}
