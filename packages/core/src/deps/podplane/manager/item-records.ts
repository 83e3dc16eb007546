import { type Digest, isDigest } from "@tranship/registry";
import type { CacheState } from "../../cache/cache-state.ts";
import type { ItemContent } from "../../jobs/item-job.ts";
import type { DepsItem } from "../../manifest.ts";

/** What is known of an item that was asked for and is there. */
export interface ItemRecord {
  readonly version: string;
  /** What its manifest says it must be. */
  readonly digest?: string | undefined;
  /** What it is, where no manifest says it. */
  readonly content?: Digest | undefined;
}

/** The record of an item, if it is of this version and content; else it is one of another item that was called so. */
export function recordOf(state: Pick<CacheState, "get">, { id, version, digest }: DepsItem): ItemRecord | undefined {
  const found = state.get(`item/${id}`);
  if (typeof found !== "object" || found === null) return undefined;
  const record = found as Readonly<Record<string, unknown>>;
  if (record.version !== version || record.digest !== digest) return undefined;
  const { content } = record;
  return { version, digest, ...(typeof content === "string" && isDigest(content) ? { content } : {}) };
}

/** Notes that an item was asked for and is there. */
export function noteItem(state: CacheState, { id, version, digest }: DepsItem, content: ItemContent | undefined): void {
  const own = digest === undefined ? content?.digest : undefined;
  const record: ItemRecord = { version, ...(digest && { digest }), ...(own && { content: own }) };
  state.set(`item/${id}`, record);
}

/** Forgets an item. */
export function forgetItem(state: CacheState, { id }: DepsItem): void {
  state.delete(`item/${id}`);
}

/**
 * An item as it was brought: what nothing pinned is pinned by what was found then, so that it can be looked for without
 * the local files it was made of.
 */
export function pinnedItem(item: DepsItem, record: ItemRecord | undefined): DepsItem {
  const digest = record?.content;
  if (item.digest !== undefined || digest === undefined) return item;
  const { source, sink } = item;
  if (source.type !== "chart") return { ...item, digest };
  const repository = sink.type === "repository-layout" ? sink.repository : "";
  return { ...item, digest, source: { type: "artifact", registry: "", repository } };
}
