import { Annotation, type Descriptor, descriptorSchema, MediaType } from "@tranship/registry";
import * as z from "zod";
import { MirrorError } from "../errors.ts";

/** The `oci-layout` file of every layout we write (image-spec v1.1, "oci-layout file"). */
export const ociLayoutText: string = `${JSON.stringify({ imageLayoutVersion: "1.0.0" }, undefined, 2)}\n`;

/** The largest `index.json` that is read, and so the largest that is written, in bytes: some 160,000 images. */
export const maxIndexBytes: number = 64 * 1024 * 1024;

/** Deeper nesting in an `index.json` is refused. */
const maxIndexDepth = 64;

/** Entries that are brought into text at a time. */
const entriesPerPiece = 200;

const emptyIndexText = `${JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [] }, undefined, 2)}\n`;

const indexFileSchema = z.object({
  schemaVersion: z.number().optional(),
  manifests: z.array(descriptorSchema).nullish(),
});

/**
 * The descriptors of an `index.json`. Lenient where older writers differ: any or no media type, `manifests: null`,
 * empty platforms.
 * @throws Error with a message for people when it is no JSON or has the wrong shape
 */
export function parseIndexFile(bytes: Uint8Array): readonly Descriptor[] {
  requireShallow(bytes);
  const json: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  const result = indexFileSchema.safeParse(json);
  if (result.success) return result.data.manifests ?? [];
  const issue = result.error.issues[0];
  throw new Error(`${issue?.path.join(".") || "index.json"}: ${issue?.message ?? "wrong shape"}`);
}

/** Refuses JSON nested deeper than any index is: a parser would take gigabytes for a file of brackets. */
function requireShallow(bytes: Uint8Array): void {
  let depth = 0;
  let isText = false;
  for (let at = 0; at < bytes.byteLength; at += 1) {
    const byte = bytes[at];
    if (isText && byte === 0x5c)
      at += 1; // a backslash and what it escapes
    else if (byte === 0x22) isText = !isText;
    else if (!isText && (byte === 0x5b || byte === 0x7b)) depth += 1;
    else if (!isText && (byte === 0x5d || byte === 0x7d)) depth -= 1;
    if (depth > maxIndexDepth) throw new Error(`it is nested more than ${maxIndexDepth} deep`);
  }
}

/** Refuses to write an `index.json` that nobody would read. @throws MirrorError `FILE_TOO_LARGE` */
export function requireReadable(path: string, neededBytes: number): void {
  if (neededBytes <= maxIndexBytes) return;
  const message = `cannot write ${path}: it lists so many images that it has more than ${maxIndexBytes} bytes; bring them in several bundles or repositories`;
  throw new MirrorError("FILE_TOO_LARGE", message, { path, neededBytes, maxBytes: maxIndexBytes });
}

/** The bytes of {@link indexFileText}; of a long list, nothing else is ever in memory. */
export function encodeIndexFile(descriptors: readonly Descriptor[]): Buffer {
  let size = 0;
  for (const piece of indexFileText(descriptors)) size += Buffer.byteLength(piece);
  const bytes = Buffer.allocUnsafeSlow(size);
  let at = 0;
  for (const piece of indexFileText(descriptors)) at += bytes.write(piece, at);
  return bytes;
}

/**
 * The text of an `index.json` in pieces: entries in the given order, annotation keys sorted, so equal content gives equal
 * bytes.
 */
export function* indexFileText(descriptors: readonly Descriptor[]): Generator<string> {
  const [start = "", end = ""] = emptyIndexText.split("[]");
  if (descriptors.length === 0) yield emptyIndexText;
  for (let from = 0; from < descriptors.length; from += entriesPerPiece) {
    const entries = descriptors.slice(from, from + entriesPerPiece).map(formatIndexEntry);
    yield `${from === 0 ? `${start}[` : ","}${entries.join(",")}`;
  }
  if (descriptors.length > 0) yield `\n  ]${end}`;
}

/** What one entry adds to the text of an `index.json`, on lines of its own. */
export function formatIndexEntry(descriptor: Descriptor): string {
  const { mediaType, digest, size, artifactType, platform, annotations } = descriptor;
  const entry = {
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(platform === undefined ? {} : { platform }),
    ...(annotations === undefined ? {} : { annotations: sortedRecord(annotations) }),
  };
  return `\n${JSON.stringify(entry, undefined, 2)}`.replaceAll("\n", "\n    "); // a line break in a value is escaped
}

/** Orders entries by `ref.name`, then short tag, then digest: one order whatever the order of arrival. */
export function sortDescriptors(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  return descriptors.toSorted(
    (a, b) =>
      compareText(refNameOf(a) ?? "", refNameOf(b) ?? "") ||
      compareText(shortTagOf(a) ?? "", shortTagOf(b) ?? "") ||
      compareText(a.digest, b.digest),
  );
}

/** The tag an index entry is pushed under, if it has one. */
export function shortTagOf(descriptor: Descriptor): string | undefined {
  return descriptor.annotations?.[Annotation.shortTag] || undefined;
}

/** The full reference an index entry was stored under, if it says so. */
export function refNameOf(descriptor: Descriptor): string | undefined {
  return descriptor.annotations?.[Annotation.refName] || undefined;
}

/** Compares by UTF-16 code units: bytewise for the ASCII names used in layouts and archives. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sortedRecord(record: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(record).sort(([a], [b]) => compareText(a, b)));
}
