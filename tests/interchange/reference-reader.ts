import { existsSync, lstatSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readTar, type TarStream } from "./reference-tar.ts";

/** One image the reference tool sends: where, under which tag, and what belongs to it. */
export interface ReferencePush {
  /** Below the target; empty for the target itself. */
  readonly repository: string;
  readonly tag: string;
  /** Becomes the `Content-Type`. */
  readonly mediaType: string;
  readonly digest: string;
  /** Digests of the manifests below it, sorted. */
  readonly children: readonly string[];
  /** Digests of configs and layers, of the children too, sorted. */
  readonly blobs: readonly string[];
}

/** What the reference tool makes of a bundle. */
export interface ReferenceReading {
  readonly archives: ReadonlyMap<string, TarStream>;
  /** In the order they are sent. */
  readonly pushes: readonly ReferencePush[];
  /** The names under `modules`, `packages` and `deckhouse-cli/plugins`, which become tags there. */
  readonly discovery: Readonly<Record<string, readonly string[]>>;
}

interface IndexEntry {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>> | null;
}

interface Index {
  readonly schemaVersion?: number;
  readonly mediaType?: string;
  readonly manifests?: readonly IndexEntry[] | null;
}

const refName = "org.opencontainers.image.ref.name";
const shortTag = "io.deckhouse.image.short_tag";

const indexTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];
const imageTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
];

/**
 * Does with a bundle what the reference tool's push does: finds packages, unpacks each into one tree, joins indexes, and
 * lists what it would send. Written from the format's description, with no code of the product: what both make of one
 * bundle must be the same.
 * @throws Error where the reference fails, and where it goes on with less than the bundle holds
 */
export function readAsReference(folder: string): ReferenceReading {
  const archives = new Map<string, TarStream>();
  const tree = new Map<string, Uint8Array>();
  for (const archive of packagesIn(folder)) {
    const stream = readTar(bytesOf(join(folder, archive)));
    archives.set(archive, stream);
    unpack(tree, archive.replace(/\.tar$/, ""), stream);
  }
  const layouts = [...tree.keys()]
    .filter((path) => /(?:^|\/)index\.json$/.test(path))
    .map((path) => path.replace(/\/?index\.json$/, ""))
    .sort();
  const discovery = Object.fromEntries(
    ["modules", "packages", "deckhouse-cli/plugins"].map((root) => [root, foldersIn(tree, root)]),
  );
  return { archives, pushes: layouts.flatMap((layout) => pushesOf(tree, layout)), discovery };
}

function packagesIn(folder: string): readonly string[] {
  const names = readdirSync(folder).filter((name) => lstatSync(join(folder, name)).isFile());
  const packages = names.flatMap((name) => {
    if (name.endsWith(".tar")) return [name];
    const [, stem] = /^(.+)\.tar\.\d{4,}\.chunk$/.exec(name) ?? [];
    return stem === undefined ? [] : [`${stem}.tar`];
  });
  if (packages.length === 0) throw new Error("no packages");
  return [...new Set(packages)].sort();
}

function bytesOf(path: string): Uint8Array {
  if (existsSync(path)) return readFileSync(path);
  const chunks: Uint8Array[] = [];
  for (let at = 0; ; at += 1) {
    const chunk = `${path}.${String(at).padStart(4, "0")}.chunk`;
    if (!existsSync(chunk)) return Buffer.concat(chunks);
    chunks.push(readFileSync(chunk));
  }
}

function unpack(tree: Map<string, Uint8Array>, name: string, { records }: TarStream): void {
  const files = records.filter(({ type }) => type === "0");
  if (files.length === 0) throw new Error(`${name} holds no files`);
  const module = name.startsWith("module-") ? name.slice("module-".length) : undefined;
  const isLegacy = module !== undefined && !files.some((file) => file.name.startsWith(`modules/${module}`));
  const own = new Map<string, Uint8Array>();
  for (const file of files) {
    const path = file.name
      .split("/")
      .filter((part) => part !== "" && part !== ".")
      .join("/");
    own.set(isLegacy ? `modules/${module}/${path}` : path, file.data);
  }
  for (const [path, data] of own) {
    const before = tree.get(path);
    const isIndex = /(?:^|\/)index\.json$/.test(path);
    if (before && !isIndex && !Buffer.from(before).equals(data)) throw new Error(`${path} differs between archives`);
    tree.set(path, before && isIndex ? joinIndexes(before, data) : data);
  }
}

/** The destination's entries, then the source's, each digest and reference once, sorted by reference. */
function joinIndexes(into: Uint8Array, from: Uint8Array): Uint8Array {
  const [one, other] = [parseIndex(into), parseIndex(from)];
  const kept = new Map<string, IndexEntry>();
  for (const entry of [...(one.manifests ?? []), ...(other.manifests ?? [])]) {
    const key = `${entry.digest} ${entry.annotations?.[refName] ?? ""}`;
    if (!kept.has(key)) kept.set(key, entry);
  }
  const reference = (entry: IndexEntry) => entry.annotations?.[refName] ?? "";
  const manifests = [...kept.values()].sort((a, b) =>
    Buffer.compare(Buffer.from(reference(a)), Buffer.from(reference(b))),
  );
  return Buffer.from(JSON.stringify({ ...one, manifests }));
}

function pushesOf(tree: ReadonlyMap<string, Uint8Array>, layout: string): readonly ReferencePush[] {
  const at = (path: string) => (layout === "" ? path : `${layout}/${path}`);
  const byTag = new Map<string, IndexEntry>();
  for (const entry of parseIndex(tree.get(at("index.json"))).manifests ?? []) {
    const tag = entry.annotations?.[shortTag];
    if (tag) byTag.set(tag, entry); // the last entry, in the place of the first
  }
  const blobAt = (digest: string) => tree.get(at(`blobs/${digest.replace(":", "/")}`));
  return [...byTag].map(([tag, entry]) => {
    const [children, blobs] = [new Set<string>(), new Set<string>()];
    collect(entry, blobAt, children, blobs);
    children.delete(entry.digest);
    return {
      repository: layout,
      tag,
      mediaType: entry.mediaType,
      digest: entry.digest,
      children: [...children].sort(),
      blobs: [...blobs].sort(),
    };
  });
}

function collect(
  { digest, size, mediaType }: IndexEntry,
  blobAt: (digest: string) => Uint8Array | undefined,
  manifests: Set<string>,
  blobs: Set<string>,
): void {
  const bytes = blobAt(digest);
  if (!bytes || bytes.byteLength !== size) throw new Error(`the manifest ${digest} is not there`);
  manifests.add(digest);
  const body = JSON.parse(Buffer.from(bytes).toString());
  if (body.mediaType !== undefined && body.mediaType !== mediaType) throw new Error(`${digest} is no ${mediaType}`);
  if (indexTypes.includes(mediaType)) {
    for (const child of body.manifests) collect(child, blobAt, manifests, blobs);
  } else if (imageTypes.includes(mediaType)) {
    for (const blob of [body.config, ...body.layers] as readonly IndexEntry[]) {
      if (/foreign|nondistributable/.test(blob.mediaType)) continue;
      if (blobAt(blob.digest)?.byteLength !== blob.size) throw new Error(`the blob ${blob.digest} is not there`);
      blobs.add(blob.digest);
    }
  } else throw new Error(`${mediaType} ends the whole push`);
}

function foldersIn(tree: ReadonlyMap<string, Uint8Array>, root: string): readonly string[] {
  const names = [...tree.keys()].flatMap((path) => {
    const [name, ...below] = path.startsWith(`${root}/`) ? path.slice(root.length + 1).split("/") : [];
    return name === undefined || below.length === 0 ? [] : [name];
  });
  return [...new Set(names)].sort();
}

function parseIndex(bytes: Uint8Array | undefined): Index {
  return JSON.parse(Buffer.from(bytes ?? []).toString()) as Index;
}
