import type { DepsAccess } from "../../access.ts";
import { applyDeps } from "../../apply/apply-deps.ts";
import type { DepsReport, ItemReport } from "../../apply/deps-report.ts";
import { planDeps } from "../../apply/plan-deps.ts";
import type { DepsCache } from "../../cache/deps-cache.ts";
import { isDepsError } from "../../errors.ts";
import type { DepsItem } from "../../manifest.ts";
import { contentKey, mergeItems } from "../../merge-items.ts";
import { planOf } from "../../plan.ts";
import { recordOf } from "./item-records.ts";
import type { ManifestRow } from "./manifest-rows.ts";
import type { PresentRows } from "./mark-manifests.ts";

/**
 * Which rows are present: those of this run, and those that were asked for in an earlier one and are still there. What
 * anybody noted in a manifest decides nothing.
 */
export async function presentRows(
  rows: readonly ManifestRow[],
  report: DepsReport,
  cache: DepsCache,
  access: DepsAccess,
  signal: AbortSignal | undefined,
): Promise<PresentRows> {
  const brought = report.items.filter(({ outcome }) => outcome !== "failed");
  const found = new Map(brought.map(({ item, content }) => [contentKey(item), content]));
  const known = rows.flatMap(({ item }) =>
    item !== undefined && !found.has(contentKey(item)) && recordOf(cache.state, item) !== undefined ? [item] : [],
  );
  for (const { item, content } of await stillThere(report, known, cache, access, signal))
    found.set(contentKey(item), content);
  return new Map(
    rows.flatMap(({ key, item }) =>
      item !== undefined && found.has(contentKey(item)) ? [[key, found.get(contentKey(item))] as const] : [],
    ),
  );
}

async function stillThere(
  report: DepsReport,
  known: readonly DepsItem[],
  cache: DepsCache,
  access: DepsAccess,
  signal: AbortSignal | undefined,
): Promise<readonly ItemReport[]> {
  if (known.length === 0) return [];
  const keys = new Set(known.map(contentKey));
  // Together with what was brought, so that no two look for one link.
  const items = merged([...report.items.map(({ item }) => item), ...known]).filter((item) =>
    keys.has(contentKey(item)),
  );
  const options = { isOffline: true, signal };
  const plan = await planDeps(items, cache, options);
  const present = plan.items.filter(({ presence }) => presence === "present");
  return (await applyDeps(planOf(present), cache, access, options)).items;
}

/** Nothing, where what was asked for earlier has no place beside what is there now. */
function merged(items: readonly DepsItem[]): readonly DepsItem[] {
  try {
    return mergeItems(items);
  } catch (error) {
    if (isDepsError(error, "PATH_CONFLICT")) return [];
    throw error;
  }
}
