import { resolve } from "node:path";
import { type Digest, digestOf, isRegistryError, isTag, parseReference, type Reference } from "@tranship/registry";
import { parseItemDigest } from "../digest.ts";
import { DepsError } from "../errors.ts";
import type { DepsItem, DepsSource } from "../manifest.ts";
import { chartLayerMediaType } from "../podplane/chart-items.ts";
import { gitRefOf } from "../podplane/git-source.ts";
import { chartTag } from "../podplane/image-names.ts";
import { requireHttpUrl } from "../podplane/vmconfig-items.ts";
import type { ItemRow } from "./manifest-schema.ts";

/** The keys that say where an item comes from. */
export const sourceKeys = ["url", "urls", "image", "artifact", "chart", "file", "git", "inline"] as const;

/** One of {@link sourceKeys}. */
export type SourceKey = (typeof sourceKeys)[number];

/** Where an item comes from, what it must be, and what it is called there. */
export interface ItemContent extends Pick<DepsItem, "source" | "digest" | "size"> {
  /** Where it is kept: of images and the like the registry and repository, below their root. */
  readonly repository?: string | undefined;
  readonly tags: readonly string[];
  /** What files are called that have no other name. */
  readonly fileName: string;
}

/** Takes what is wrong with a key, and throws. */
export type Refuse = (key: string, reason: string) => never;

/** The folder of a local manifest; `undefined` for one that is not, which may name no local files. */
type LocalFolder = string | undefined;

type Reader = (row: ItemRow, localFolder: LocalFolder, refuse: Refuse) => ItemContent;

const readers: Readonly<Record<SourceKey, Reader>> = {
  url: (row) => webFile([row.url ?? ""], row),
  urls: (row) => webFile(row.urls ?? [], row),
  image: imageContent,
  artifact: (row, _folder, refuse) => artifactContent(row, row.artifact ?? "", "artifact", refuse),
  chart: (row, folder, refuse) => {
    const { chart = "" } = row;
    if (chart.startsWith("oci://")) return artifactContent(row, chart.slice("oci://".length), "chart", refuse);
    return chartFolder(row, folder, refuse);
  },
  file: (row, folder, refuse) => {
    const { file = "" } = row;
    if (folder === undefined) refuse("file", "only a local manifest may name local files");
    return { ...plain({ type: "file", path: resolve(folder ?? "", file) }, row), fileName: lastPart(file) };
  },
  git: ({ git, version = "" }) => {
    const { url = "", branch = "", tag = "", semver = "", commit = "" } = git ?? {};
    const ref = gitRefOf({ url, ref: { branch, tag, semver, commit, rest: {} }, rest: {} });
    return { source: { type: "git", url, ref }, tags: [], fileName: version };
  },
  inline: (row) => {
    const { inline = "" } = row;
    const bytes = typeof inline === "string" ? Buffer.from(inline) : Buffer.from(inline.base64, "base64");
    const content = plain({ type: "inline", bytes: new Uint8Array(bytes) }, row);
    return { ...content, digest: content.digest ?? digestOf(bytes), size: bytes.byteLength };
  },
};

/** What an item says of its content, by the key that does. @throws DepsError; what `refuse` throws */
export function itemContent(key: SourceKey, row: ItemRow, localFolder: LocalFolder, refuse: Refuse): ItemContent {
  return readers[key](row, localFolder, refuse);
}

/** What the digest of an item is called in messages: the item itself. */
function digestOfRow({ digest, id }: ItemRow): Digest | undefined {
  return digest === undefined ? undefined : parseItemDigest(digest, id);
}

function plain(source: DepsSource, row: ItemRow): ItemContent {
  return { source, digest: digestOfRow(row), tags: [], fileName: lastPart(row.id) };
}

function webFile(urls: readonly string[], row: ItemRow): ItemContent {
  const checked = urls.map((url) => requireHttpUrl(url, row.id));
  const { pathname } = new URL(checked[0] ?? "");
  return { ...plain({ type: "http", urls: checked }, row), fileName: lastPart(decoded(pathname)) || lastPart(row.id) };
}

function imageContent(row: ItemRow, _folder: LocalFolder, refuse: Refuse): ItemContent {
  const named = reference(row.image ?? "", "image", refuse);
  const digest = pinOf(named, row, refuse);
  if (digest === undefined) return { ...artifactOf(named, row, refuse), digest };
  const source = { type: "image", registry: named.registry, repository: sourcePath(named) } as const;
  return { source, digest, ...placeOf(named, row, refuse) };
}

function artifactContent(row: ItemRow, text: string, key: "artifact" | "chart", refuse: Refuse): ItemContent {
  const written = reference(text, key, refuse);
  const isBare = written.tag === undefined && row.version !== undefined && key === "chart";
  const named = isBare ? { ...written, tag: chartTag(row.version ?? "") } : written;
  const content = artifactOf(named, row, refuse);
  const { layerMediaType = key === "chart" ? chartLayerMediaType : undefined } = row;
  const source = { ...content.source, ...(layerMediaType === undefined ? {} : { layerMediaType }) };
  return { ...content, source, digest: pinOf(named, row, refuse) };
}

/** What a tag names. */
function artifactOf(named: Reference, row: ItemRow, refuse: Refuse): ItemContent {
  const { registry, tag } = named;
  const repository = sourcePath(named);
  if (tag === undefined && pinOf(named, row, refuse) === undefined) refuse("digest", "without it, a tag is needed");
  const source = { type: "artifact", registry, repository, ...(tag === undefined ? {} : { tag }) } as const;
  return { source, ...placeOf(named, row, refuse) };
}

function chartFolder(row: ItemRow, localFolder: LocalFolder, refuse: Refuse): ItemContent {
  const { chart = "", version, id, tags, digest } = row;
  if (localFolder === undefined) refuse("chart", "only a local manifest may name local folders; others write oci://…");
  if (digest !== undefined) refuse("digest", "a chart that is packed here has none yet");
  return {
    source: { type: "chart", path: resolve(localFolder ?? "", chart) },
    repository: `local/${id.toLowerCase()}`,
    tags: checkedTags(tags ?? [version === undefined ? "latest" : chartTag(version)], refuse),
    fileName: lastPart(id),
  };
}

function placeOf(
  { registry, repository, tag }: Reference,
  { tags }: ItemRow,
  refuse: Refuse,
): Pick<ItemContent, "repository" | "tags" | "fileName"> {
  const kept = tags ?? (tag === undefined ? [] : [tag]);
  return { repository: `${registry}/${repository}`, tags: checkedTags(kept, refuse), fileName: lastPart(repository) };
}

function checkedTags(tags: readonly string[], refuse: Refuse): readonly string[] {
  const wrong = tags.find((tag) => !isTag(tag));
  if (wrong !== undefined) refuse("tags", `${JSON.stringify(wrong.slice(0, 200))} is no tag`);
  return [...new Set(tags)];
}

/** The digest of an image, wherever it is written. */
function pinOf({ digest }: Reference, row: ItemRow, refuse: Refuse): Digest | undefined {
  const own = digestOfRow(row);
  if (own !== undefined && digest !== undefined && own !== digest) refuse("digest", "the name has another one");
  return own ?? digest;
}

/** Docker Hub keeps what has no owner in `library`. */
function sourcePath({ registry, repository }: Reference): string {
  return registry === "docker.io" && !repository.includes("/") ? `library/${repository}` : repository;
}

function reference(text: string, key: string, refuse: Refuse): Reference {
  try {
    return parseReference(text);
  } catch (error) {
    if (isRegistryError(error)) refuse(key, `it is no name such as registry.example.com/org/app:v1: ${error.message}`);
    throw error;
  }
}

function lastPart(path: string): string {
  return path.split(/[/\\]/).findLast((part) => part !== "") ?? "";
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** @throws DepsError `DIGEST_MISSING` */
export function requirePin(row: ItemRow, { source, digest }: ItemContent): void {
  const canDrift = ["http", "file", "image", "artifact"].includes(source.type);
  if (!canDrift || digest !== undefined || row.unpinned === true) return;
  const message = `cannot check ${row.id}: it has no digest; give it one, or say unpinned: true to take whatever is there`;
  throw new DepsError("DIGEST_MISSING", message, { item: row.id });
}
