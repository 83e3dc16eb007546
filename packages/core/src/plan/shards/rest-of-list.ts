import { isDeepStrictEqual } from "node:util";
import type { DownloadList, MissingImage, PlannedArchive } from "../download-list.ts";
import type { FailedItem } from "../failed-item.ts";

/**
 * Tells what other shards of a plan make of it from what was there before: it is, word for word, in the plan and not in
 * this shard.
 */
export function restOfList(
  whole: DownloadList,
  own: DownloadList,
): (one: PlannedArchive | MissingImage | FailedItem) => boolean {
  const ownArchives = new Set(own.archives.map(({ archive }) => archive));
  const archives = new Map(
    whole.archives.flatMap((one) => (ownArchives.has(one.archive) ? [] : [[one.archive, one] as const])),
  );
  const told = textsOf(whole);
  for (const text of textsOf(own)) told.delete(text);
  return (one) => ("sections" in one ? isDeepStrictEqual(archives.get(one.archive), one) : told.has(textOf(one)));
}

function textsOf({ missing, failed = [] }: DownloadList): Set<string> {
  return new Set([...missing, ...failed].map(textOf));
}

function textOf(one: MissingImage | FailedItem): string {
  return "reference" in one
    ? JSON.stringify([one.component, one.archive, one.reference, one.why])
    : JSON.stringify([one.component, one.archive, one.item, one.code, one.message]);
}
