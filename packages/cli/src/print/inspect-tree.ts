import type { InspectedImage, InspectedManifest, InspectedRepository, Inspection } from "@tranship/core";
import { type Digest, printable } from "@tranship/registry";
import { shortTag } from "./short-tag.ts";
import { count, formatBytes } from "./size.ts";

/** How much of an inspection is printed. */
export interface InspectTreeOptions {
  /** 1 for repositories, 2 for their images, 3 for the manifests of indexes, 4 for layers. @defaultValue 2 */
  readonly depth?: number | undefined;
  /** Every tag and every image, however many. @defaultValue false: some of them, and how many more */
  readonly allTags?: boolean | undefined;
  /** Characters of a line. @defaultValue as many as it takes */
  readonly columns?: number | undefined;
}

/** A line of the tree: a name, what it is, and its size. */
interface Row {
  readonly name: string;
  readonly facts: string;
  readonly size: string;
  readonly note: string;
}

/** Without being asked for all: images of a repository, and tags of an image. */
const most = { images: 12, tags: 4 };

/** Widths of columns, in characters. */
const widths = { name: 72, leastName: 24, facts: 34, leastFacts: 9, size: 10, note: 24 };

/** The tree of a bundle: repositories, their images with tags, kinds, platforms and sizes, and what is below. */
export function inspectTree(inspection: Inspection, options: InspectTreeOptions = {}): readonly string[] {
  const { depth = 2 } = options;
  const blobs = new Map(inspection.blobs.map((blob) => [blob.digest, blob]));
  const rows = inspection.repositories.flatMap((repository) => [
    repositoryRow(repository),
    ...(depth > 1 ? repositoryRows(repository, options, blobs) : []),
  ]);
  return fitRows(rows, options.columns);
}

function repositoryRow({ path, images, bytes, uniqueBytes }: InspectedRepository): Row {
  return {
    name: path === "" ? "/" : path,
    facts: count(images.length, "image"),
    size: formatBytes(bytes),
    note: sharedNote(bytes - uniqueBytes),
  };
}

type Blobs = ReadonlyMap<Digest, Inspection["blobs"][number]>;

function repositoryRows(
  { images }: InspectedRepository,
  { depth = 2, allTags = false }: InspectTreeOptions,
  blobs: Blobs,
): readonly Row[] {
  const shown = allTags || images.length <= most.images + 1 ? images : images.slice(0, most.images);
  const left = images.length - shown.length;
  return [
    ...shown.flatMap((image, at) => {
      const isLast = at === shown.length - 1 && left === 0;
      const below = isLast ? "   " : "│  ";
      return [
        imageRow(image, isLast ? "└─ " : "├─ ", allTags),
        ...(depth > 2 ? imageRows(image, below, depth, blobs) : []),
      ];
    }),
    ...(left > 0 ? [{ name: `└─ and ${left} more (--tags lists all)`, facts: "", size: "", note: "" }] : []),
  ];
}

function imageRow(
  { tags, digest, kind, platforms, bytes, uniqueBytes }: InspectedImage,
  branch: string,
  all: boolean,
): Row {
  const named = tags.filter((tag) => !digest.endsWith(tag));
  const shown = all ? named : named.slice(0, most.tags);
  const more = named.length > shown.length ? ` +${named.length - shown.length}` : "";
  return {
    name: `${branch}${named.length === 0 ? short(digest) : shown.map(shortTag).join(", ")}${more}`,
    facts: [kind, ...platforms].join(" "),
    size: formatBytes(bytes),
    note: sharedNote(bytes - uniqueBytes),
  };
}

function imageRows(image: InspectedImage, indent: string, depth: number, blobs: Blobs): readonly Row[] {
  const layers = depth > 3;
  if (image.manifests.length === 0) return layers ? blobRows(image.blobs, indent, blobs) : [];
  return image.manifests.flatMap((manifest, at) => {
    const isLast = at === image.manifests.length - 1;
    const below = `${indent}${isLast ? "   " : "│  "}`;
    const row = manifestRow(manifest, `${indent}${isLast ? "└─ " : "├─ "}`);
    return [row, ...(layers ? blobRows(manifest.blobs, below, blobs) : [])];
  });
}

function manifestRow({ digest, kind, platform = "", bytes }: InspectedManifest, branch: string): Row {
  return {
    name: `${branch}${short(digest)}`,
    facts: [kind, platform].join(" ").trim(),
    size: formatBytes(bytes),
    note: "",
  };
}

function blobRows(digests: readonly Digest[], indent: string, blobs: Blobs): readonly Row[] {
  return digests.map((digest, at) => {
    const { role = "layer", size = 0, images = 1, repositories = [], copies = 0 } = blobs.get(digest) ?? {};
    const shared = images > 1 ? [`${count(images, "image")}`] : [];
    const places = repositories.length > 1 ? [count(repositories.length, "repository", "repositories")] : [];
    return {
      name: `${indent}${at === digests.length - 1 ? "└─ " : "├─ "}${short(digest)}`,
      facts: role,
      size: formatBytes(size),
      note: copies === 0 ? "not here" : [...shared, ...places].join(" in "),
    };
  });
}

function sharedNote(bytes: number): string {
  return bytes > 0 ? `${formatBytes(bytes)} shared` : "";
}

function short(digest: string): string {
  return digest.slice(0, digest.indexOf(":") + 13);
}

/** Rows in columns, no line longer than `columns`: notes go first, then ends of facts and names; sizes stay. */
function fitRows(rows: readonly Row[], columns: number = Number.POSITIVE_INFINITY): readonly string[] {
  const clean = rows.map((row) => ({ ...row, name: cleanName(row.name), facts: printable(row.facts, 200) }));
  const widest = (part: keyof Row, limit: number) =>
    Math.min(
      limit,
      clean.reduce((most, row) => Math.max(most, row[part].length), 0),
    );
  const [size, note] = [widest("size", widths.size), widest("note", widths.note)];
  const roomForFacts = Math.max(widths.leastFacts, columns - widths.leastName - size - 4);
  const facts = Math.min(widest("facts", widths.facts), roomForFacts);
  const room = Math.max(1, columns - facts - size - 4);
  const hasNotes = room - note - 2 >= widths.leastName;
  const name = Math.min(widest("name", widths.name), hasNotes ? room - note - 2 : room);
  return clean.map((row) => {
    const parts = [row.name.length > name ? `${row.name.slice(0, name - 1)}…` : row.name.padEnd(name)];
    parts.push((row.facts.length > facts ? `${row.facts.slice(0, facts - 1)}…` : row.facts).padEnd(facts));
    parts.push(row.size.padStart(size));
    if (hasNotes) parts.push(row.note);
    return parts.join("  ").trimEnd().slice(0, columns);
  });
}

/** Names are the bundle's words; the indent in front of them is ours. */
function cleanName(name: string): string {
  return name.replace(/\p{C}+/gu, " ");
}
