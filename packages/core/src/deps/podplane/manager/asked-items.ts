import { readlink } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { CacheState } from "../../cache/cache-state.ts";
import { DepsError } from "../../errors.ts";
import type { DepsItem } from "../../manifest.ts";
import { mergeItems } from "../../merge-items.ts";
import type { PodplaneManifests } from "../podplane-items.ts";
import { cachedMachines } from "./cached-machines.ts";
import { readIfWhole } from "./cached-manifest.ts";
import { pinnedItem, recordOf } from "./item-records.ts";
import type { ManagerContext } from "./manager-context.ts";
import { type ManifestRow, manifestRows } from "./manifest-rows.ts";

/** Where a cache's own notes are looked up; `undefined` without any. */
export type KnownState = Pick<CacheState, "get"> | undefined;

/**
 * What cached manifests ask for: what every machine needs, what was asked for in a download, and what an older tool noted
 * as cached. Local files and charts are meant as they were then. Where a name leads to a file of another architecture,
 * it is that one's.
 * @throws DepsError `INCOMPLETE` for a row that cannot be used
 */
export async function askedItems(
  manifests: PodplaneManifests,
  context: ManagerContext,
  state: KnownState,
): Promise<readonly DepsItem[]> {
  const asked = manifestRows(manifests, context).flatMap((row) => askedItem(row, state));
  const files = await machineFiles(context);
  return mergeItems(await Promise.all(asked.map((item) => withoutTakenLinks(item, files))));
}

function askedItem({ name, item, fault, isMarked, isAlways }: ManifestRow, state: KnownState): readonly DepsItem[] {
  if (item === undefined) {
    if (!isMarked && !isAlways) return [];
    const message = `the cache cannot hold ${name}: its manifest is wrong about it`;
    throw new DepsError("INCOMPLETE", message, { item: name, path: "" }, { cause: fault });
  }
  const record = state && recordOf(state, item);
  return isMarked || isAlways || record !== undefined ? [pinnedItem(item, record)] : [];
}

/** Where the files of all machines are whose manifests are cached. */
async function machineFiles(context: ManagerContext): Promise<ReadonlySet<string>> {
  const machines = await cachedMachines(context);
  const cached = await Promise.all(machines.map(({ spot }) => readIfWhole(spot)));
  const vmconfigs = cached.filter((one) => one !== undefined);
  const items = manifestRows({ vmconfigs }, context).map(({ item }) => item);
  return new Set(items.flatMap((item) => (item?.sink.type === "file" ? [item.sink.path] : [])));
}

/** The item without links that lead to one of `files` that is not its own. Those that are missing, or lead elsewhere, stay. */
async function withoutTakenLinks(item: DepsItem, files: ReadonlySet<string>): Promise<DepsItem> {
  const { sink } = item;
  if (sink.type !== "file" || sink.links.length === 0) return item;
  const links: string[] = [];
  for (const link of sink.links) {
    const target = await readlink(link).then(
      (found) => resolve(dirname(link), found),
      () => undefined,
    );
    if (target === undefined || target === sink.path || !files.has(target)) links.push(link);
  }
  return { ...item, sink: { ...sink, links } };
}
