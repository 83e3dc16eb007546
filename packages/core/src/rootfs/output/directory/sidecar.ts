import { isUtf8 } from "node:buffer";
import { z } from "zod";
import type { ByteString, Inode } from "../../tree/inode.ts";
import { decimalOf } from "../tar/pax-records.ts";
import { accessTimeOf } from "../timestamps.ts";
import type { Unapplied, UnappliedParts } from "./unapplied.ts";

const bytes = z
  .union([z.string(), z.strictObject({ base64: z.base64() })])
  .describe("text where the bytes are UTF-8, else the bytes in base64");
const decimal = z.string().regex(/^-?\d+(\.\d{1,9})?$/);

const sidecarEntry = z.strictObject({
  path: bytes.describe("from the directory, without a slash before it; empty for the directory itself"),
  type: z.enum(["file", "directory", "symlink", "character", "block", "fifo"]),
  missing: z.literal(true).optional().describe("it could not be made; everything it should have is told"),
  hardLinkTo: bytes.optional().describe("this name is missing, and is one more for the entry at that path"),
  uid: z.int().min(0).optional(),
  gid: z.int().min(0).optional(),
  mode: z
    .string()
    .regex(/^[0-7]{4}$/)
    .optional()
    .describe("permission bits with setuid, setgid and sticky, octal"),
  mtime: decimal.optional().describe("seconds since 1970"),
  atime: decimal.optional().describe("seconds since 1970"),
  device: z.strictObject({ major: z.int().min(0), minor: z.int().min(0) }).optional(),
  xattrs: z.array(z.strictObject({ name: bytes, value: z.base64() })).optional(),
});

/** The file beside a directory that tells what of its image it lacks, with exact values. */
export const metadataSidecarSchema = z.strictObject({
  version: z.literal(1),
  entries: z.array(sidecarEntry).describe("by path, bytewise"),
});

/** What {@link metadataSidecarSchema} takes. */
export type MetadataSidecar = z.infer<typeof metadataSidecarSchema>;

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

function entryOf(path: ByteString, inode: Inode, parts: UnappliedParts): z.infer<typeof sidecarEntry> {
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

function shown(value: ByteString): string | { readonly base64: string } {
  const raw = Buffer.from(value, "latin1");
  return isUtf8(raw) ? raw.toString("utf8") : { base64: raw.toString("base64") };
}
