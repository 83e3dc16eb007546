import { tarBlockBytes } from "../../../bundle/tar/tar-block.ts";
import { tarPadding } from "../../../bundle/tar/tar-header.ts";
import type { ByteString } from "../../../layer-archive/byte-string.ts";
import type { Inode } from "../../tree/inode.ts";
import { addTimes, addXattrs, encodePaxRecords, type PaxRecords } from "./pax-records.ts";
import type { SparseMap } from "./sparse-map.ts";

/** What is written of an entry besides its inode. */
export interface EntryShape {
  /** As it is in the archive; a directory's ends in `/`. */
  readonly name: ByteString;
  /** Of a hard link: the name it is one more of. */
  readonly linkTo?: ByteString | undefined;
  /** Of a file with holes. */
  readonly sparse?: SparseMap | undefined;
}

const typeflags: Readonly<Record<Inode["type"], string>> = {
  file: "0",
  symlink: "2",
  character: "3",
  block: "4",
  directory: "5",
  fifo: "6",
};

/**
 * The headers of an entry: ustar where that holds everything, with a PAX header before it otherwise. Names are the bytes
 * they are; owners are numbers without names. Of a sparse file the map that its data begins with is not part of it.
 * @see POSIX.1-2024, pax, "ustar Interchange Format"; GNU tar manual, "PAX Format, Version 1.0"
 */
export function encodeEntry(inode: Inode, { name, linkTo, sparse }: EntryShape): Buffer {
  const records: PaxRecords = new Map();
  const linkName = linkTo ?? (inode.type === "symlink" ? inode.target : "");
  const path = sparse ? undefined : fittingName(name);
  if (sparse) {
    records.set("GNU.sparse.major", "1").set("GNU.sparse.minor", "0");
    records.set("GNU.sparse.name", name).set("GNU.sparse.realsize", String(sparse.realSize));
  } else if (!path) records.set("path", name);
  if (linkName.length > 100) records.set("linkpath", linkName);
  const size = linkTo !== undefined || inode.type !== "file" ? 0 : (sparse?.storedBytes ?? inode.size);
  const isDevice = inode.type === "character" || inode.type === "block";
  const [major, minor] = isDevice ? [inode.major, inode.minor] : [0, 0];
  const number = (keyword: string, value: number, limit: number): number => {
    if (value < limit) return value;
    records.set(keyword, String(value));
    return 0;
  };
  const fields: HeaderFields = {
    ...(path ?? { name: `${sparse ? "GNUSparseFile.0/" : ""}${shortName(name)}`.slice(0, 100), prefix: "" }),
    mode: inode.mode,
    uid: number("uid", inode.uid, 8 ** 7),
    gid: number("gid", inode.gid, 8 ** 7),
    size: number("size", size, 8 ** 11),
    mtime: Math.min(Math.max(inode.mtime.seconds, 0), 8 ** 11 - 1),
    typeflag: linkTo === undefined ? typeflags[inode.type] : "1",
    linkName: linkName.slice(0, 100),
    major: number("SCHILY.devmajor", major, 8 ** 7),
    minor: number("SCHILY.devminor", minor, 8 ** 7),
  };
  addTimes(records, inode);
  if (linkTo === undefined) addXattrs(records, inode);
  const header = headerBlock(fields);
  if (records.size === 0) return header;
  const body = encodePaxRecords(records);
  const extended = headerBlock({ ...extendedFields, name: `PaxHeaders/${shortName(name)}`, size: body.byteLength });
  return Buffer.concat([extended, body, Buffer.alloc(tarPadding(body.byteLength)), header]);
}

interface HeaderFields {
  readonly name: ByteString;
  readonly prefix: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly mtime: number;
  readonly typeflag: string;
  readonly linkName: ByteString;
  readonly major: number;
  readonly minor: number;
}

const extendedFields = {
  prefix: "",
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: 0,
  typeflag: "x",
  linkName: "",
  major: 0,
  minor: 0,
} as const;

function headerBlock(fields: HeaderFields): Buffer {
  const block = Buffer.alloc(tarBlockBytes);
  const octal = (value: number, at: number, digits: number) =>
    block.write(value.toString(8).padStart(digits, "0"), at, "latin1");
  block.write(fields.name, 0, "latin1");
  octal(fields.mode, 100, 7);
  octal(fields.uid, 108, 7);
  octal(fields.gid, 116, 7);
  octal(fields.size, 124, 11);
  octal(fields.mtime, 136, 11);
  block.write(fields.typeflag, 156, "latin1");
  block.write(fields.linkName, 157, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  octal(fields.major, 329, 7);
  octal(fields.minor, 337, 7);
  block.write(fields.prefix, 345, "latin1");
  let sum = 8 * 0x20; // the checksum counts its own field as spaces
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** A name in its two fields, cut at a slash; `undefined` when it does not go in. */
function fittingName(name: ByteString): Pick<HeaderFields, "name" | "prefix"> | undefined {
  if (name.length <= 100) return { name, prefix: "" };
  const slash = name.indexOf("/", name.length - 101);
  if (slash < 1 || slash > 155 || slash === name.length - 1) return undefined;
  return { name: name.slice(slash + 1), prefix: name.slice(0, slash) };
}

/** For readers that know no extended headers: the last of its names, cut. */
function shortName(name: ByteString): ByteString {
  return (name.split("/").findLast((part) => part !== "") ?? "").slice(0, 80);
}
