import { parseItemDigest } from "../digest.ts";
import type { DepsError } from "../errors.ts";
import { unreadable } from "../json.ts";
import type { DepsItem, DepsSink } from "../manifest.ts";
import { requirePathSegments } from "../path-segment.ts";
import { requireRepository } from "../podplane/repository-path.ts";
import type { Selectors } from "../selectors.ts";
import type { DepsPaths } from "./deps-paths.ts";
import { formatKeyPath } from "./issue-reason.ts";
import { type ItemContent, itemContent, type Refuse, requirePin, type SourceKey, sourceKeys } from "./item-content.ts";
import type { ItemRow } from "./manifest-schema.ts";

/** What reading the rows of a manifest takes. */
export interface RowContext {
  /** What the manifest is, for messages. */
  readonly manifest: string;
  /** The folder of a local manifest. */
  readonly localFolder: string | undefined;
  readonly paths: DepsPaths;
}

/** Keys that only go with some sources. */
const keysOf: Readonly<Partial<Record<keyof ItemRow, readonly SourceKey[]>>> = {
  platforms: ["image"],
  layerMediaType: ["artifact"],
  tags: ["image", "artifact", "chart"],
  to: ["url", "urls", "file", "inline"],
  digest: ["url", "urls", "file", "inline", "image", "artifact", "chart"],
  size: ["url", "urls", "file", "image", "artifact", "chart"],
  unpinned: ["url", "urls", "file", "image", "artifact", "chart"],
};

/**
 * The items of one row: one for each of its platforms, else one.
 * @throws DepsError `MANIFEST_PARSE` with the key at fault, `DIGEST_MISSING`, `DIGEST_FORMAT`, `DIGEST_ALGORITHM`,
 * `DIGEST_LENGTH`, `URL_INVALID`, `GIT_SOURCE`, `NAME_UNSAFE`
 */
export function itemsOfRow(row: ItemRow, at: number, context: RowContext): readonly DepsItem[] {
  const refuse: Refuse = (key, reason) => {
    throw unreadable(context.manifest, formatKeyPath(["items", at, key].filter((step) => step !== "")), reason);
  };
  requirePathSegments(row.id, "id of an item");
  const key = sourceKeyOf(row, refuse);
  for (const [name, sources] of Object.entries(keysOf) as [keyof ItemRow, readonly SourceKey[]][])
    if (row[name] !== undefined && !sources.includes(key)) refuse(name, `it does not go with ${key}`);
  if (row.unpinned && row.digest !== undefined) refuse("unpinned", "there is a digest");
  const content = itemContent(key, row, context.localFolder, refuse);
  if (row.platforms !== undefined) return platformItems(row, content, context, refuse);
  requirePin(row, content);
  return [itemOf(row, content, context)];
}

function sourceKeyOf(row: ItemRow, refuse: Refuse): SourceKey {
  const given = sourceKeys.filter((key) => row[key] !== undefined);
  const [key, other] = given;
  if (key === undefined) refuse("", `it says no source: give one of ${sourceKeys.join(", ")}`);
  if (other !== undefined) refuse(other, `there is ${key} beside it: an item has one source`);
  return key as SourceKey;
}

/** An image for each platform, all under the same tags. */
function platformItems(
  row: ItemRow,
  { source, digest: index, ...rest }: ItemContent,
  context: RowContext,
  refuse: Refuse,
): readonly DepsItem[] {
  const entries = Object.entries(row.platforms ?? {});
  if (entries.length === 0) refuse("platforms", "it is empty");
  if (row.unpinned) refuse("unpinned", "each platform has its digest");
  const { registry, repository } = source as Extract<typeof source, { readonly type: "image" | "artifact" }>;
  return entries.map(([text, written]) => {
    const [os = "", architecture = "", variant, ...more] = text.split("/");
    if (!/^[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*){1,2}$/.test(text) || more.length > 0)
      refuse("platforms", `${JSON.stringify(text)} is no platform such as linux/arm64`);
    const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
    const content = {
      ...rest,
      source: { type: "image", registry, repository, ...(index === undefined ? {} : { index }), platform },
      digest: parseItemDigest(written, `${row.id} for ${text}`),
    } as const;
    const own = { arch: architecture, ...row.for };
    return itemOf({ ...row, for: own, id: `${row.id}/${text}` }, content, context, `${row.id} ${text}`);
  });
}

function itemOf(row: ItemRow, content: ItemContent, { paths }: RowContext, name = row.id): DepsItem {
  const { source, digest, size = row.size } = content;
  return {
    id: row.id,
    version: row.version ?? "",
    source,
    ...(digest === undefined ? {} : { digest }),
    ...(size === undefined ? {} : { size }),
    selectors: selectorsOf(row),
    sink: sinkOf(row, content, paths),
    labels: { name },
  };
}

function selectorsOf(row: ItemRow): Selectors {
  const entries = Object.entries(row.for ?? {});
  return Object.fromEntries(entries.map(([axis, values]) => [axis, [values].flat().map((one) => one.toLowerCase())]));
}

function sinkOf(row: ItemRow, { source, digest, repository, tags, fileName }: ItemContent, paths: DepsPaths): DepsSink {
  switch (source.type) {
    case "git":
      return { type: "file", path: paths.git(source.url), links: [] };
    case "image":
    case "artifact":
    case "chart": {
      const root = row.chart === undefined ? paths.registry : paths.charts;
      const kept = requireRepository(repository ?? "", `repository of ${row.id}`);
      return { type: "repository-layout", root, repository: kept, tags };
    }
    default: {
      const named = paths.file(row.to ?? `${row.id}/${fileName}`);
      if (digest === undefined) return { type: "file", path: named, links: [] };
      return { type: "file", path: paths.content(digest), links: [named] };
    }
  }
}

/** @throws DepsError `MANIFEST_PARSE` for an id that two items have */
export function requireOwnIds(items: readonly DepsItem[], manifest: string): void {
  const known = new Set<string>();
  for (const { id } of items) {
    if (known.has(id)) throw twice(manifest, id);
    known.add(id);
  }
}

function twice(manifest: string, id: string): DepsError {
  return unreadable(manifest, "items", `two have the id ${JSON.stringify(id)}`);
}
