import { isUtf8 } from "node:buffer";
import type { ByteString } from "../../../layer-archive/byte-string.ts";
import type { Timestamp } from "../../../layer-archive/layer-entry.ts";
import type { InodeMetadata } from "../../tree/inode.ts";

/** Keywords and values of an extended header, in the order they are written. */
export type PaxRecords = Map<ByteString, ByteString>;

/** Their bytes: `length keyword=value`, each with a newline. @see POSIX.1-2024, pax, "pax Extended Header" */
export function encodePaxRecords(records: PaxRecords): Buffer {
  const isBinary = ["path", "linkpath", "GNU.sparse.name"].some((keyword) => !isText(records.get(keyword) ?? ""));
  const all = isBinary ? [["hdrcharset", "BINARY"] as const, ...records] : [...records];
  return Buffer.from(all.map(([keyword, value]) => recordOf(`${keyword}=${value}\n`)).join(""), "latin1");
}

/** Adds what an inode has that no ustar header can hold: parts of seconds, moments before 1970, extended attributes. */
export function addTimes(records: PaxRecords, { mtime, atime }: InodeMetadata): void {
  if (!isPlain(mtime)) records.set("mtime", decimalOf(mtime));
  if (atime !== undefined) records.set("atime", decimalOf(atime));
}

/** Adds extended attributes by name. `%` and `=` in names are written as GNU tar does, which reads them so. */
export function addXattrs(records: PaxRecords, { xattrs }: InodeMetadata): void {
  for (const [name, value] of xattrs ?? []) {
    const keyword = name.replaceAll("%", "%25").replaceAll("=", "%3D");
    records.set(`SCHILY.xattr.${keyword}`, Buffer.from(value).toString("latin1"));
  }
}

/** A moment as a decimal number, exact to the nanosecond. */
export function decimalOf({ seconds, nanoseconds }: Timestamp): string {
  if (nanoseconds === 0) return String(seconds);
  const fraction = (value: number) => String(value).padStart(9, "0").replace(/0+$/, "");
  if (seconds >= 0) return `${seconds}.${fraction(nanoseconds)}`;
  return `-${-(seconds + 1)}.${fraction(1e9 - nanoseconds)}`; // -2 s and 0.25 s more is -1.75
}

function isPlain({ seconds, nanoseconds }: Timestamp): boolean {
  return nanoseconds === 0 && seconds >= 0 && seconds < 8 ** 11;
}

function isText(value: ByteString): boolean {
  return isUtf8(Buffer.from(value, "latin1"));
}

/** The length counts its own digits. */
function recordOf(text: ByteString): ByteString {
  const rest = text.length + 1;
  let length = rest + String(rest).length;
  if (rest + String(length).length > length) length += 1;
  return `${length} ${text}`;
}
