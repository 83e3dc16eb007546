import { Buffer } from "node:buffer";

/** One entry of an archive. Names, targets and attribute names have one character a byte. */
export interface ArchiveEntry {
  readonly name: string;
  /** @defaultValue "file" */
  readonly type?: keyof typeof typeFlags | undefined;
  /** @defaultValue 0o644, of directories 0o755, of links 0o777 */
  readonly mode?: number | undefined;
  /** @defaultValue 0 */
  readonly uid?: number | undefined;
  /** @defaultValue 0 */
  readonly gid?: number | undefined;
  /** Seconds since 1970, with a fraction and maybe a minus sign. @defaultValue "1600000000" */
  readonly mtime?: string | undefined;
  readonly content?: string | Uint8Array | undefined;
  /** Of a sparse file: its size, its parts by where they are. Written as GNU tar's PAX 1.0 sparse files are. */
  readonly sparse?:
    | { readonly size: number; readonly parts: readonly (readonly [at: number, text: string])[] }
    | undefined;
  /** Of symlinks and hard links. */
  readonly target?: string | undefined;
  /** Of devices: major and minor number. */
  readonly device?: readonly [number, number] | undefined;
  readonly xattrs?: Readonly<Record<string, string>> | undefined;
}

const typeFlags = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
} as const;

/** An archive of these entries, in this order, with extended headers wherever a plain one cannot say it. @see POSIX.1-2017, `pax` */
export function paxArchive(entries: readonly ArchiveEntry[]): Uint8Array {
  return Buffer.concat([...entries.flatMap(entryBlocks), Buffer.alloc(1024)]);
}

function entryBlocks(entry: ArchiveEntry): readonly Buffer[] {
  const { name, type = "file", mtime = "1600000000", target = "", sparse, xattrs = {} } = entry;
  const body = sparse ? sparseBody(sparse.parts) : bytesOf(entry.content ?? "");
  const records: (readonly [string, string])[] = [];
  if (name.length > 100) records.push(["path", name]);
  if (target.length > 100) records.push(["linkpath", target]);
  if (!/^\d{1,10}$/.test(mtime)) records.push(["mtime", mtime]);
  for (const key of ["uid", "gid"] as const) if ((entry[key] ?? 0) > 0o7777777) records.push([key, String(entry[key])]);
  if (sparse) {
    records.push(["GNU.sparse.major", "1"], ["GNU.sparse.minor", "0"]);
    records.push(["GNU.sparse.name", name], ["GNU.sparse.realsize", String(sparse.size)]);
  }
  for (const [key, value] of Object.entries(xattrs)) records.push([`SCHILY.xattr.${key}`, value]);
  const extended = Buffer.from(records.map(recordText).join(""), "latin1");
  const blocks = [header(entry, typeFlags[type], body.length), padded(body)];
  if (extended.length > 0) blocks.unshift(header({ name: "PaxHeaders/entry" }, "x", extended.length), padded(extended));
  return blocks;
}

/** The length of a record counts its own digits. */
function recordText([key, value]: readonly [string, string]): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

/** The map, a number a line, up to a whole block; then the parts. */
function sparseBody(parts: readonly (readonly [number, string])[]): Buffer {
  const numbers = [parts.length, ...parts.flatMap(([at, text]) => [at, text.length])];
  return Buffer.concat([padded(Buffer.from(`${numbers.join("\n")}\n`)), ...parts.map(([, text]) => bytesOf(text))]);
}

function header(entry: ArchiveEntry, flag: string, size: number): Buffer {
  const { type, mtime = "1600000000", device = [0, 0] } = entry;
  const mode = entry.mode ?? (type === "directory" ? 0o755 : type === "symlink" ? 0o777 : 0o644);
  const block = Buffer.alloc(512);
  const octal = (value: number, at: number, width: number) =>
    block.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at, "latin1");
  block.write(entry.name.slice(0, 100), 0, "latin1");
  octal(mode, 100, 8);
  for (const [value = 0, at] of [
    [entry.uid, 108],
    [entry.gid, 116],
  ] as const)
    octal(value > 0o7777777 ? 0 : value, at, 8);
  octal(size, 124, 12);
  octal(/^\d{1,10}$/.test(mtime) ? Number(mtime) : 0, 136, 12);
  block.write("        ", 148, "latin1");
  block.write(flag, 156, "latin1");
  block.write((entry.target ?? "").slice(0, 100), 157, "latin1");
  block.write("ustar\u000000", 257, "latin1");
  octal(device[0], 329, 8);
  octal(device[1], 337, 8);
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return block;
}

function padded(body: Uint8Array): Buffer {
  return Buffer.concat([body, Buffer.alloc((512 - (body.length % 512)) % 512)]);
}

function bytesOf(content: string | Uint8Array): Buffer {
  return typeof content === "string" ? Buffer.from(content, "latin1") : Buffer.from(content);
}
