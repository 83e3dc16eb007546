import { byteStringOf, textOfByteString } from "../../layer-archive/byte-string.ts";
import type { Timestamp } from "../../layer-archive/layer-entry.ts";
import { defaultRootfsLimits } from "../limits.ts";
import { editFailed, requireId, requireMode } from "./edit-failed.ts";
import type {
  EditMetadata,
  MkdirOptions,
  ReadOptions,
  RemoveOptions,
  RootfsFileStat,
  RootfsFilesOptions,
} from "./edit-options.ts";
import { type DirectoryInode, type FileInode, type Inode, sortedEntries } from "./inode.ts";
import { LayerContents } from "./layer-contents.ts";
import type { RootfsTree } from "./rootfs-tree.ts";
import { PathFault, type Place, type WalkOptions, walkPath } from "./walk-path.ts";
import { walkTree } from "./walk-tree.ts";

const defaultMaxBytes = 64 * 1024 * 1024;

/**
 * The files of an image, to be read and edited before it is written anywhere. Paths are text and start at the image's root,
 * with or without a slash. Links lead where they would for a process whose root this is: absolute ones start over at the
 * root, `..` stays below it, and nothing of this machine can be reached. Names that are not UTF-8 are listed with U+FFFD and
 * cannot be named.
 *
 * Nothing but `mkdir` with `recursive` makes directories above a path. Edits change neither the layers nor the times of the
 * directories they are made in, and the same edits of the same image make the same tree on any day.
 */
export class RootfsFiles {
  readonly #root: DirectoryInode;
  readonly #contents: LayerContents;
  readonly #limits: WalkOptions["limits"];
  readonly #signal: AbortSignal | undefined;
  readonly #begun = new Set<Promise<void>>();
  #mtime: Timestamp | undefined;

  /** @hidden */
  constructor(tree: RootfsTree, { reference, workers, mtime, limits, signal }: RootfsFilesOptions) {
    this.#root = tree.root;
    this.#contents = new LayerContents(tree, workers, reference);
    this.#limits = limits ?? defaultRootfsLimits;
    this.#signal = signal;
    this.#mtime = mtime;
  }

  /**
   * Reads a file. The first read of a layer unpacks it once from end to end and keeps its small files for the next ones.
   * @throws RootfsError `EDIT_FAILED` when there is none or it is over `maxBytes`; `LAYER_INVALID`, `LAYER_MISMATCH`,
   *   `FILE_FAILED` when its layer cannot be read again
   */
  async read(path: string, options: ReadOptions = {}): Promise<Uint8Array> {
    return await this.#bytesOf("read", path, this.#file("read", path), options);
  }

  /** Whether a path leads to something. */
  exists(path: string): boolean {
    try {
      return this.#walk("look for", path, { follow: true })?.inode !== undefined;
    } catch {
      return false;
    }
  }

  /**
   * What a path leads to, or `undefined` when there is nothing.
   * @param options - `follow`: whether a link that is the last name is followed, or is what is asked for. Default: followed.
   * @throws RootfsError `EDIT_FAILED` when something on the way is no directory, or links lead in a circle
   */
  stat(path: string, { follow = true }: { readonly follow?: boolean } = {}): RootfsFileStat | undefined {
    const inode = this.#walk("look at", path, { follow })?.inode;
    if (inode === undefined) return undefined;
    const { type, mode, uid, gid, mtime } = inode;
    const stat = { type, size: type === "file" ? inode.size : 0, mode, uid, gid, mtime };
    return type === "symlink" ? { ...stat, target: textOfByteString(inode.target) } : stat;
  }

  /**
   * The names in a directory, sorted by their bytes.
   * @throws RootfsError `EDIT_FAILED` when there is none
   */
  list(path: string): readonly string[] {
    const inode = this.#existing("list", path, true).inode;
    if (inode.type !== "directory") throw editFailed("list", path, "it is no directory");
    return sortedEntries(inode).map(([name]) => textOfByteString(name));
  }

  /**
   * Writes a whole file, a text as UTF-8. One that is there keeps its names, owner and mode unless they are given, and loses
   * its capabilities as it would on a disk. A link to nothing has its target made.
   * @throws RootfsError `EDIT_FAILED`
   */
  write(path: string, bytes: Uint8Array | string, metadata: EditMetadata = {}): void {
    const place = this.#walk("write", path, { follow: true });
    if (place === undefined) throw editFailed("write", path, "the directory it would be in does not exist");
    this.#setBytes("write", path, place, bytesOf(bytes), metadata);
  }

  /**
   * Adds to the end of a file, or writes one that is not there, as `write` does.
   * @throws RootfsError as `read` and `write`
   */
  async append(path: string, bytes: Uint8Array | string, options: EditMetadata & ReadOptions = {}): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#begun.add(promise);
    try {
      await this.#append(path, bytesOf(bytes), options);
    } finally {
      this.#begun.delete(promise);
      resolve();
    }
  }

  /** Resolves once no edit is under way that nobody waited for; writing waits for it by itself. A failure is told by the edit. */
  async settled(): Promise<void> {
    while (this.#begun.size > 0) await Promise.all(this.#begun);
  }

  async #append(path: string, added: Uint8Array, options: EditMetadata & ReadOptions): Promise<void> {
    for (;;) {
      const place = this.#walk("append to", path, { follow: true });
      if (place?.inode === undefined) return this.write(path, added, options);
      const file = this.#file("append to", path);
      const { content } = file;
      const old = await this.#bytesOf("append to", path, file, options);
      const now = this.#walk("append to", path, { follow: true });
      if (now?.inode !== file || file.content !== content) continue; // it was edited while it was read
      return this.#setBytes("append to", path, now, joined(old, added), options);
    }
  }

  /**
   * Makes a directory.
   * @throws RootfsError `EDIT_FAILED` when something has its name, or what is above it is missing
   */
  mkdir(path: string, { recursive = false, ...metadata }: MkdirOptions = {}): void {
    const make = (parent: DirectoryInode, name: string) => this.#makeDirectory("make", path, parent, name, metadata);
    const place = this.#walk("make", path.replace(/(?<=.)\/+$/, ""), {
      follow: recursive,
      make: recursive ? make : undefined,
    });
    if (place === undefined) throw editFailed("make", path, "the directory it would be in does not exist");
    if (place.inode === undefined) make(place.directory, place.name);
    else if (!recursive || place.inode.type !== "directory") throw editFailed("make", path, "something has that name");
  }

  /** Sets the mode of what a path leads to. @throws RootfsError `EDIT_FAILED` */
  chmod(path: string, mode: number): void {
    requireMode("set the mode of", path, mode);
    this.#existing("set the mode of", path, true).inode.mode = mode;
  }

  /** Sets the owner of what a path leads to, as numbers. @throws RootfsError `EDIT_FAILED` */
  chown(path: string, uid: number, gid: number): void {
    requireId("set the owner of", path, uid);
    requireId("set the owner of", path, gid);
    const { inode } = this.#existing("set the owner of", path, true);
    inode.uid = uid;
    inode.gid = gid;
  }

  /**
   * Makes a symbolic link that says `target`, which need not be there.
   * @throws RootfsError `EDIT_FAILED` when something has its name
   */
  symlink(target: string, path: string): void {
    const place = this.#walk("make the link", path, { follow: false });
    if (place === undefined) throw editFailed("make the link", path, "the directory it would be in does not exist");
    if (place.inode !== undefined) throw editFailed("make the link", path, "something has that name");
    const bytes = byteStringOf(target);
    if (bytes === "" || bytes.includes("\0") || bytes.length > this.#limits.maxPathBytes) {
      throw editFailed("make the link", path, "its target is empty, too long, or has a NUL byte");
    }
    const metadata = { mode: 0o777, uid: 0, gid: 0, mtime: this.#editTime(), atime: undefined, xattrs: undefined };
    place.directory.entries.set(place.name, { type: "symlink", ...metadata, target: bytes });
  }

  /**
   * Takes away what has a name: a link, never what it leads to.
   * @throws RootfsError `EDIT_FAILED` when there is nothing, or a directory that is not empty and `recursive` is not set
   */
  remove(path: string, { recursive = false }: RemoveOptions = {}): void {
    const { inode, directory, name } = this.#existing("remove", path, false);
    if (inode === this.#root) throw editFailed("remove", path, "it is the root");
    if (inode.type === "directory" && inode.entries.size > 0 && !recursive) {
      throw editFailed("remove", path, "it is a directory that is not empty");
    }
    directory.entries.delete(name);
  }

  /**
   * Gives what has the name `from`, a link itself or a directory with all that is in it, the name `to`, in place of a file or
   * an empty directory that has it.
   * @throws RootfsError `EDIT_FAILED`
   */
  rename(from: string, to: string): void {
    const fail = (reason: string) => editFailed(`rename to ${JSON.stringify(to)}`, from, reason);
    const source = this.#existing("rename", from, false);
    const target = this.#walk("rename to", to, { follow: false });
    if (target === undefined) throw fail("the directory it would be in does not exist");
    if (source.inode === this.#root || target.inode === this.#root) throw fail("the root has no name");
    if (source.inode === target.inode) return; // names of one file, as on a disk
    if (source.inode.type === "directory") this.#requireRoom(source.inode, target, fail);
    if (target.inode !== undefined && (source.inode.type === "directory") !== (target.inode.type === "directory")) {
      throw fail("only one of the two is a directory");
    }
    if (target.inode?.type === "directory" && target.inode.entries.size > 0) throw fail("a directory has that name");
    source.directory.entries.delete(source.name);
    target.directory.entries.set(target.name, source.inode);
  }

  /** Whether a directory can be moved with all that is in it. */
  #requireRoom(moved: DirectoryInode, { directory, depth, bytes }: Place, fail: (reason: string) => Error): void {
    for (const { path, inode } of walkTree(moved)) {
      if (inode === directory) throw fail("it would be in itself");
      const names = path === "" ? 0 : path.split("/").length;
      if (depth + names > this.#limits.maxDepth || bytes + 1 + path.length > this.#limits.maxPathBytes) {
        throw fail("what is in it would be too deep");
      }
    }
  }

  #file(verb: string, path: string): FileInode {
    const { inode } = this.#existing(verb, path, true);
    if (inode.type !== "file") throw editFailed(verb, path, `it is no regular file but a ${inode.type}`);
    return inode;
  }

  async #bytesOf(
    verb: string,
    path: string,
    file: FileInode,
    { maxBytes = defaultMaxBytes, signal }: ReadOptions,
  ): Promise<Uint8Array> {
    if (file.size > maxBytes) throw editFailed(verb, path, `it has ${file.size} bytes, more than ${maxBytes}`);
    const signals = [this.#signal, signal].filter((given) => given !== undefined);
    return await this.#contents.read(file, AbortSignal.any(signals));
  }

  #setBytes(
    verb: string,
    path: string,
    place: Place,
    bytes: Uint8Array,
    { mode, uid, gid, mtime }: EditMetadata,
  ): void {
    const old = place.inode;
    if (old !== undefined && old.type !== "file")
      throw editFailed(verb, path, `it is no regular file but a ${old.type}`);
    const metadata = {
      mode: requireMode(verb, path, mode ?? old?.mode ?? 0o644),
      uid: requireId(verb, path, uid ?? old?.uid ?? 0),
      gid: requireId(verb, path, gid ?? old?.gid ?? 0),
      mtime: mtime ?? this.#editTime(),
      atime: undefined,
      xattrs: withoutCapability(old?.xattrs),
      size: bytes.byteLength,
      content: { bytes },
    };
    if (old) Object.assign(old, metadata);
    else place.directory.entries.set(place.name, { type: "file", ...metadata });
  }

  #makeDirectory(
    verb: string,
    path: string,
    parent: DirectoryInode,
    name: string,
    metadata: EditMetadata,
  ): DirectoryInode {
    const directory: DirectoryInode = {
      type: "directory",
      mode: requireMode(verb, path, metadata.mode ?? 0o755),
      uid: requireId(verb, path, metadata.uid ?? 0),
      gid: requireId(verb, path, metadata.gid ?? 0),
      mtime: metadata.mtime ?? this.#editTime(),
      atime: undefined,
      xattrs: undefined,
      entries: new Map(),
    };
    parent.entries.set(name, directory);
    return directory;
  }

  #existing(verb: string, path: string, follow: boolean): Place & { readonly inode: Inode } {
    const place = this.#walk(verb, path, { follow });
    if (place?.inode === undefined) throw editFailed(verb, path, "it does not exist");
    return { ...place, inode: place.inode };
  }

  #walk(verb: string, path: string, options: Omit<WalkOptions, "limits">): Place | undefined {
    if (path === "" || path.includes("\0")) throw editFailed(verb, path, "a path is neither empty nor has a NUL byte");
    try {
      return walkPath(this.#root, byteStringOf(path), { limits: this.#limits, ...options });
    } catch (error) {
      throw error instanceof PathFault ? editFailed(verb, path, error.message) : error;
    }
  }

  #editTime(): Timestamp {
    this.#mtime ??= newestChange(this.#root);
    return this.#mtime;
  }
}

/** The caller may go on to use what it gave. */
function bytesOf(bytes: Uint8Array | string): Uint8Array {
  return typeof bytes === "string" ? new TextEncoder().encode(bytes) : Uint8Array.from(bytes);
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(first.byteLength + second.byteLength);
  bytes.set(first);
  bytes.set(second, first.byteLength);
  return bytes;
}

/** A file that is written to is no longer what was trusted. */
function withoutCapability(xattrs: FileInode["xattrs"]): FileInode["xattrs"] {
  if (!xattrs?.has("security.capability")) return xattrs;
  const left = [...xattrs].filter(([name]) => name !== "security.capability");
  return left.length > 0 ? new Map(left) : undefined;
}

function newestChange(root: DirectoryInode): Timestamp {
  let newest = root.mtime;
  for (const { inode } of walkTree(root)) {
    const { seconds, nanoseconds } = inode.mtime;
    if (seconds > newest.seconds || (seconds === newest.seconds && nanoseconds > newest.nanoseconds))
      newest = inode.mtime;
  }
  return newest;
}
