import { DepsError } from "./errors.ts";
import type { DepsItem, DepsSink, DepsSource } from "./manifest.ts";
import { PathClaims } from "./path-claims.ts";
import { joinSelectors } from "./selectors.ts";

/**
 * The items with each content once. Files of one digest become one file, with links from where the others would be; an
 * image of one digest and one repository becomes one with all its tags. What they are for adds up, and so do the servers
 * that have a file. Items without a digest are one where they go to the same place; but each ref of a git repository is
 * an item of its own, in one mirror.
 *
 * A link that items with different content ask for goes to the first that does: the others are found by their own path.
 * So does a link that lies below another, where a folder would have to be.
 * @throws DepsError `PATH_CONFLICT` for different content in one file, and for a file below another
 */
export function mergeItems(items: readonly DepsItem[]): readonly DepsItem[] {
  const claims = claimsOf(items);
  const merged = new Map<string, DepsItem>();
  for (const item of items) {
    const key = contentKey(item);
    const first = merged.get(key);
    const own = withOwnLinks(item, (path) => claims.isOwn(path, key));
    merged.set(key, first === undefined ? own : joined(first, own));
  }
  return [...merged.values()];
}

/** To which content each path leads: to the file that is there, else to the first that asks for a link there. */
function claimsOf(items: readonly DepsItem[]): PathClaims {
  const claims = new PathClaims();
  for (const item of items) {
    const { id, sink } = item;
    if (sink.type !== "file") continue;
    const holder = claims.claim(sink.path, { key: placeKey(item), id });
    if (holder === undefined) continue;
    const message = `cannot keep ${id} at ${sink.path}: ${holder.id} is kept there, or in the way`;
    throw new DepsError("PATH_CONFLICT", message, { path: sink.path, items: [holder.id, id] });
  }
  for (const item of items) {
    const { id, sink } = item;
    for (const path of sink.type === "file" ? sink.links : []) claims.claim(path, { key: contentKey(item), id });
  }
  return claims;
}

function withOwnLinks(item: DepsItem, isOwn: (path: string) => boolean): DepsItem {
  const { sink } = item;
  return sink.type === "file" ? { ...item, sink: { ...sink, links: sink.links.filter(isOwn) } } : item;
}

/** Of one mirror, several items may each need another ref. */
function placeKey(item: DepsItem): string {
  return item.source.type === "git" ? JSON.stringify(["mirror", item.sink]) : contentKey(item);
}

/** What tells an item's content and place from others': items of one key are merged to one. */
export function contentKey({ source, digest, sink }: DepsItem): string {
  const content = digest ?? "";
  const index = source.type === "image" ? (source.index ?? "") : "";
  switch (sink.type) {
    case "file":
      if (source.type === "git") return JSON.stringify([sink.type, sink.path, source.url, source.ref]);
      return JSON.stringify(digest === undefined ? [sink.type, sink.path] : [sink.type, "", content]);
    case "repository-layout":
      return JSON.stringify([sink.type, sink.root, sink.repository, content, index, digest ? [] : sink.tags]);
    case "layout":
      return JSON.stringify([sink.type, sink.path, content, index, digest ? [] : sink.names]);
    case "push":
      return JSON.stringify([sink.type, sink.registry, sink.repository, content, index, digest ? [] : sink.tags]);
  }
}

function joined(first: DepsItem, other: DepsItem): DepsItem {
  return {
    ...first,
    source: joinedSource(first.source, other.source),
    size: first.size ?? other.size,
    selectors: joinSelectors(first.selectors, other.selectors),
    sink: joinedSink(first.sink, other.sink),
    labels: { ...other.labels, ...first.labels },
  };
}

function joinedSource(first: DepsSource, other: DepsSource): DepsSource {
  if (first.type !== "http" || other.type !== "http") return first;
  return { ...first, urls: united(first.urls, other.urls) };
}

function joinedSink(first: DepsSink, other: DepsSink): DepsSink {
  if (first.type === "file" && other.type === "file") {
    const links = united(first.links, [other.path, ...other.links]).filter((path) => path !== first.path);
    return { ...first, links };
  }
  if (first.type === "layout" && other.type === "layout") return { ...first, names: united(first.names, other.names) };
  if ("tags" in first && "tags" in other) return { ...first, tags: united(first.tags, other.tags) };
  return first;
}

function united(first: readonly string[], other: readonly string[]): readonly string[] {
  return [...new Set([...first, ...other])];
}
