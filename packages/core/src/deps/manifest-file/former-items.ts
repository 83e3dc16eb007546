import { basename } from "node:path";
import { isTag } from "@tranship/registry";
import type { DepsReport } from "../apply/deps-report.ts";
import type { CacheState } from "../cache/cache-state.ts";
import type { DepsItem } from "../manifest.ts";
import { isPathSegment } from "../path-segment.ts";
import type { DepsPaths } from "./deps-paths.ts";

const prefix = "tags/";

/** Notes under which tags items are kept: they are ours, and may go when no manifest has them any more. */
export function noteItems(state: Pick<CacheState, "get" | "set">, { items }: DepsReport): void {
  for (const { item, outcome } of items) {
    const { sink } = item;
    if (outcome === "failed" || sink.type !== "repository-layout") continue;
    const key = `${prefix}${basename(sink.root) === "charts" ? "charts" : "registry"}/${sink.repository}`;
    const known = textsOf(state.get(key));
    const tags = [...new Set([...known, ...sink.tags])].sort();
    if (tags.length > known.length) state.set(key, tags);
  }
}

/** What was noted, as items that say where they are and nothing else. */
export function formerItems(state: Pick<CacheState, "entries">, paths: DepsPaths): readonly DepsItem[] {
  return [...state.entries(prefix)].flatMap(([key, value]) => {
    const [store = "", ...names] = key.slice(prefix.length).split("/");
    if ((store !== "charts" && store !== "registry") || !names.every(isPathSegment)) return [];
    const repository = names.join("/");
    return {
      id: `former/${key}`,
      version: "",
      source: { type: "artifact", registry: "", repository },
      selectors: {},
      sink: { type: "repository-layout", root: paths[store], repository, tags: textsOf(value).filter(isTag) },
      labels: {},
    } satisfies DepsItem;
  });
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}
