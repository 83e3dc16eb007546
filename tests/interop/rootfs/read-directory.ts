import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from "node:fs";
import { finishRecords, type ReadRecord, type RecordType, type TreeRecord } from "./tree-record.ts";

/** Describes a directory by `lstat`, by reading every file, and by `getfattr`. Needs root for `trusted` attributes. */
export function readDirectory(root: string): readonly TreeRecord[] {
  const xattrs = readXattrs(root);
  const found: ReadRecord[] = [];
  const visit = (path: string): void => {
    const full = pathBelow(root, path);
    const record = describe(full, path, xattrs.get(path) ?? []);
    found.push(record);
    if (record.type !== "directory") return;
    for (const name of readdirSync(full, { encoding: "buffer" })) {
      visit(path === "." ? name.toString("latin1") : `${path}/${name.toString("latin1")}`);
    }
  };
  visit(".");
  return finishRecords(found);
}

function describe(full: Buffer, path: string, xattrs: readonly string[]): ReadRecord {
  const stat = lstatSync(full, { bigint: true });
  const type = typeOf(Number(stat.mode));
  return {
    path,
    type,
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime: stat.mtimeNs,
    size: type === "file" ? Number(stat.size) : undefined,
    sha256: type === "file" ? sha256OfFile(full) : undefined,
    target: type === "symlink" ? readlinkSync(full, { encoding: "buffer" }).toString("latin1") : undefined,
    device: type === "character" || type === "block" ? deviceText(stat.rdev) : undefined,
    xattrs,
    inode: type === "directory" ? undefined : `${stat.dev}:${stat.ino}`,
  };
}

const types: ReadonlyMap<number, RecordType> = new Map([
  [0o4, "directory"],
  [0o10, "file"],
  [0o12, "symlink"],
  [0o2, "character"],
  [0o6, "block"],
  [0o1, "fifo"],
  [0o14, "socket"],
]);

/** What a mode's upper four bits say. */
export function typeOf(mode: number): RecordType {
  const type = types.get((mode & 0o170000) >> 12);
  if (type === undefined) throw new Error(`mode ${mode.toString(8)} is of no known type`);
  return type;
}

/** As glibc's `major` and `minor` take a device number apart. */
function deviceText(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return `${major}:${minor}`;
}

/** Reads a file in pieces of 1 MiB. */
export function sha256OfFile(path: Buffer | string): string {
  const [hash, chunk] = [createHash("sha256"), Buffer.allocUnsafe(2 ** 20)];
  const file = openSync(path, "r");
  try {
    for (let read = readSync(file, chunk); read > 0; read = readSync(file, chunk)) hash.update(chunk.subarray(0, read));
  } finally {
    closeSync(file);
  }
  return hash.digest("hex");
}

/** Extended attributes of everything below `root` that has some, by path. */
function readXattrs(root: string): ReadonlyMap<string, readonly string[]> {
  const args = ["-R", "-P", "-h", "-d", "-m", "-", "-e", "hex", "--absolute-names", "--", root];
  const text = execFileSync("getfattr", args, { encoding: "latin1", maxBuffer: 2 ** 30, env: { LC_ALL: "C" } });
  const all = new Map<string, readonly string[]>();
  for (const block of text.split("\n\n")) {
    const [head, ...lines] = block.split("\n").filter((line) => line !== "");
    if (head === undefined) continue;
    const path = unescapeOctal(head.replace(/^# file: /, "")).slice(Buffer.byteLength(root) + 1);
    const xattrs = lines.map((line) => {
      const [name = "", value = "0x"] = splitOnce(line);
      return `${unescapeOctal(name)}=${value.slice(2)}`;
    });
    all.set(path === "" ? "." : path, xattrs.sort());
  }
  return all;
}

/** `getfattr` writes no `=` at all after a name whose value is empty. */
function splitOnce(line: string): readonly string[] {
  const at = line.indexOf("=");
  return at < 0 ? [line] : [line.slice(0, at), line.slice(at + 1)];
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

function pathBelow(root: string, path: string): Buffer {
  return path === "." ? Buffer.from(root) : Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, "latin1")]);
}
