/** What a path of a root file system may be. */
export type RecordType = "directory" | "file" | "symlink" | "character" | "block" | "fifo" | "socket";

/** One path of a root file system, as any reader describes it. Names, paths and targets have one character a byte. */
export interface TreeRecord {
  /** From the root down, without a leading slash; `.` is the root itself. */
  readonly path: string;
  readonly type: RecordType;
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Nanoseconds since 1970. */
  readonly mtime: bigint;
  /** Of regular files, in bytes. */
  readonly size?: number | undefined;
  /** Of a regular file's content. */
  readonly sha256?: string | undefined;
  /** Of symlinks. */
  readonly target?: string | undefined;
  /** Of devices: `major:minor`. */
  readonly device?: string | undefined;
  /** The first path, bytewise, of those that share the inode; only where there are several. */
  readonly firstName?: string | undefined;
  /** `name=hex`, sorted. */
  readonly xattrs: readonly string[];
}

/** A record before it is known which others share its inode. */
export interface ReadRecord extends Omit<TreeRecord, "firstName"> {
  /** Equal for names of one inode. Directories have none. */
  readonly inode?: string | undefined;
}

/** Sorts what a reader found bytewise by path, and names the first of those that share an inode. */
export function finishRecords(found: readonly ReadRecord[]): readonly TreeRecord[] {
  const sorted = [...found].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
  const names = new Map<string, string[]>();
  for (const { inode, path } of sorted) {
    if (inode === undefined) continue;
    const others = names.get(inode);
    if (others) others.push(path);
    else names.set(inode, [path]);
  }
  return sorted.map(({ inode, ...record }) => {
    const group = inode === undefined ? [] : (names.get(inode) ?? []);
    return group.length > 1 ? { ...record, firstName: group[0] } : record;
  });
}

/** Every field of a record as text; a field that the record does not have is left out. */
export function fieldsOf(record: TreeRecord): ReadonlyMap<string, string> {
  const fields = new Map<string, string>([
    ["type", record.type],
    ["owner", `${record.uid}:${record.gid}`],
    ["mtime", timeText(record.mtime)],
    ["xattrs", record.xattrs.join(" ")],
  ]);
  // What Linux says of a symlink's mode is always 0777.
  if (record.type !== "symlink") fields.set("mode", record.mode.toString(8).padStart(4, "0"));
  if (record.size !== undefined) fields.set("size", String(record.size));
  if (record.sha256 !== undefined) fields.set("sha256", record.sha256);
  if (record.target !== undefined) fields.set("target", quoted(record.target));
  if (record.device !== undefined) fields.set("device", record.device);
  if (record.firstName !== undefined) fields.set("same inode as", quoted(record.firstName));
  return fields;
}

/** A path or target for people and for exceptions: printable ASCII stays, every other byte is `\xNN`. */
export function quoted(bytes: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what has to be found.
  return bytes.replace(/[\u0000-\u001f\\\u007f-\u00ff]/g, (one) =>
    one === "\\" ? "\\\\" : `\\x${one.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

function timeText(nanoseconds: bigint): string {
  const [billion, size] = [1_000_000_000n, nanoseconds < 0n ? -nanoseconds : nanoseconds];
  return `${nanoseconds < 0n ? "-" : ""}${size / billion}.${String(size % billion).padStart(9, "0")}`;
}
