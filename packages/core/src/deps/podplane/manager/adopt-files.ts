import { lstat } from "node:fs/promises";
import type { DepsAccess } from "../../access.ts";
import { applyDeps } from "../../apply/apply-deps.ts";
import type { DepsCache } from "../../cache/deps-cache.ts";
import { DepsError } from "../../errors.ts";
import type { DepsItem } from "../../manifest.ts";
import { planOf } from "../../plan.ts";

/**
 * Takes files over that an older tool left where they are found by name, if their bytes are right: they are there then,
 * without anybody being asked. What cannot be taken over, or where nothing may be written, stays as it is.
 */
export async function adoptFiles(
  items: readonly DepsItem[],
  cache: DepsCache,
  signal: AbortSignal | undefined,
): Promise<void> {
  const left = await Promise.all(items.map(async (item) => ((await isLeft(item)) ? [item] : [])));
  const plan = planOf(left.flat().map((item) => ({ item, presence: "absent" })));
  if (plan.missing > 0) await applyDeps(plan, cache, nobody, { keepGoing: true, signal });
}

/** For what must do without the network. */
const nobody: DepsAccess = {
  files: {
    fetch: (url) => Promise.reject(offline(url)),
  },
  registry: (host) => Promise.reject(offline(host)),
  hosts: {
    require(_host, item) {
      throw offline(item);
    },
  },
};

function offline(item: string): DepsError<"OFFLINE"> {
  return new DepsError("OFFLINE", `cannot fetch ${item}: nobody is asked now`, { item });
}

async function isLeft({ source, sink }: DepsItem): Promise<boolean> {
  if (source.type !== "http" || sink.type !== "file" || (await isFile(sink.path))) return false;
  for (const link of sink.links) if (await isFile(link)) return true;
  return false;
}

async function isFile(path: string): Promise<boolean> {
  return lstat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
