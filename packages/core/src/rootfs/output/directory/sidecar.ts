import { isUtf8 } from "node:buffer";
import { z } from "zod";
import type { ByteString } from "../../../layer-archive/byte-string.ts";
import type { Inode } from "../../tree/inode.ts";
import { decimalOf } from "../tar/pax-records.ts";
import { accessTimeOf } from "../timestamps.ts";
import type { Unapplied, UnappliedParts } from "./unapplied.ts";

/** Bytes in JSON: text where they are UTF-8, else base64. */
export type BytesInJson = string | { readonly base64: string };

/** What an entry of the tree lacks, with the values it should have. What it has is not told. */
export interface MetadataSidecarEntry {
  /** From the directory, without a slash before it; empty for the directory itself. */
  readonly path: BytesInJson;
  readonly type: Inode["type"];
  /** It could not be made; everything it should have is told. */
  readonly missing?: true | undefined;
  /** It is missing, and one more name for the entry at that path. */
  readonly hardLinkTo?: BytesInJson | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Permission bits with setuid, setgid and sticky: four octal digits. */
  readonly mode?: string | undefined;
  /** Seconds since 1970 as a decimal number, exact to the nanosecond. */
  readonly mtime?: string | undefined;
  readonly atime?: string | undefined;
  readonly device?: { readonly major: number; readonly minor: number } | undefined;
  /** Values in base64. */
  readonly xattrs?: readonly { readonly name: BytesInJson; readonly value: string }[] | undefined;
}

/** The file beside a directory that tells what of its image it lacks. */
export interface MetadataSidecar {
  readonly version: 1;
  /** By path, bytewise. */
  readonly entries: readonly MetadataSidecarEntry[];
}

const bytes = z.union([z.string(), z.strictObject({ base64: z.base64() })]);
const decimal = z.string().regex(/^-?\d+(\.\d{1,9})?$/);
const number = z.int().min(0);

const sidecarEntry: z.ZodType<MetadataSidecarEntry> = z.strictObject({
  path: bytes,
  type: z.enum(["file", "directory", "symlink", "character", "block", "fifo"]),
  missing: z.literal(true).optional(),
  hardLinkTo: bytes.optional(),
  uid: number.optional(),
  gid: number.optional(),
  mode: z
    .string()
    .regex(/^[0-7]{4}$/)
    .optional(),
  mtime: decimal.optional(),
  atime: decimal.optional(),
  device: z.strictObject({ major: number, minor: number }).optional(),
  xattrs: z.array(z.strictObject({ name: bytes, value: z.base64() })).optional(),
});

/** Reads a {@link MetadataSidecar}. */
export const metadataSidecarSchema: z.ZodType<MetadataSidecar> = z.strictObject({
  version: z.literal(1),
  entries: z.array(sidecarEntry),
});

/** The file's text in pieces, one entry a line: there may be one for each file of an image. */
export function* sidecarText(unapplied: Unapplied): Generator<string> {
  yield '{"version":1,"entries":[';
  let separator = "\n";
  for (const { path, inode, parts } of unapplied.entries()) {
    yield `${separator}${JSON.stringify(entryOf(path, inode, parts))}`;
    separator = ",\n";
  }
  yield "\n]}\n";
}

function entryOf(path: ByteString, inode: Inode, parts: UnappliedParts): MetadataSidecarEntry {
  const all = parts.missing === true;
  const { type, uid, gid, mode, mtime, xattrs } = inode;
  const lacking = [...(xattrs ?? [])].filter(([name]) => all || parts.xattrs?.includes(name));
  if (parts.linkTo !== undefined) return { path: shown(path), type, hardLinkTo: shown(parts.linkTo) };
  return {
    path: shown(path),
    type,
    ...(all ? { missing: true } : {}),
    ...(all || parts.owner ? { uid, gid } : {}),
    ...((all || parts.mode) && type !== "symlink" ? { mode: mode.toString(8).padStart(4, "0") } : {}),
    ...(all || parts.times ? { mtime: decimalOf(mtime), atime: decimalOf(accessTimeOf(inode)) } : {}),
    ...(all && (inode.type === "character" || inode.type === "block")
      ? { device: { major: inode.major, minor: inode.minor } }
      : {}),
    ...(lacking.length > 0
      ? {
          xattrs: lacking.map(([name, value]) => ({ name: shown(name), value: Buffer.from(value).toString("base64") })),
        }
      : {}),
  };
}

function shown(value: ByteString): BytesInJson {
  const raw = Buffer.from(value, "latin1");
  return isUtf8(raw) ? raw.toString("utf8") : { base64: raw.toString("base64") };
}
