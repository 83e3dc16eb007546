import { Annotation, type Descriptor, descriptorSchema, MediaType } from "@tranship/registry";
import * as z from "zod";
import { MirrorError } from "../errors.ts";

/** The `oci-layout` file of every layout we write (image-spec v1.1, "oci-layout file"). */
export const ociLayoutText: string = `${JSON.stringify({ imageLayoutVersion: "1.0.0" }, undefined, 2)}\n`;

/** The largest `index.json` that is read, and so the largest that is written, in bytes: some 160,000 images. */
export const maxIndexBytes: number = 64 * 1024 * 1024;

/** Deeper nesting in an `index.json` is refused. */
const maxIndexDepth = 64;

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

/** The text of an `index.json`: entries in the given order, annotation keys sorted, so equal content gives equal bytes. */
export function formatIndexFile(descriptors: readonly Descriptor[]): string {
  const manifests = descriptors.map(({ mediaType, digest, size, artifactType, platform, annotations }) => ({
    mediaType,
    digest,
    size,
    ...(artifactType === undefined ? {} : { artifactType }),
    ...(platform === undefined ? {} : { platform }),
    ...(annotations === undefined ? {} : { annotations: sortedRecord(annotations) }),
  }));
  return `${JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }, undefined, 2)}\n`;
}

/** Orders entries by `ref.name`, then short tag, then digest: one order whatever the order of arrival. */
export function sortDescriptors(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  const key = (descriptor: Descriptor) =>
    `${refNameOf(descriptor) ?? ""}\0${shortTagOf(descriptor) ?? ""}\0${descriptor.digest}`;
  return descriptors
    .map((descriptor) => ({ key: key(descriptor), descriptor }))
    .sort((a, b) => compareText(a.key, b.key))
    .map(({ descriptor }) => descriptor);
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
