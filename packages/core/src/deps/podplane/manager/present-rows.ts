import type { DepsAccess } from "../../access.ts";
import { applyDeps } from "../../apply/apply-deps.ts";
import type { DepsReport, ItemReport } from "../../apply/deps-report.ts";
import { planDeps } from "../../apply/plan-deps.ts";
import type { DepsCache } from "../../cache/deps-cache.ts";
import { isDepsError } from "../../errors.ts";
import type { ItemContent } from "../../jobs/item-job.ts";
import type { DepsItem } from "../../manifest.ts";
import { contentKey, mergeItems } from "../../merge-items.ts";
import { planOf } from "../../plan.ts";
import { adoptFiles } from "./adopt-files.ts";
import { recordOf } from "./item-records.ts";
import type { ManifestRow } from "./manifest-rows.ts";
import type { PresentRows } from "./mark-manifests.ts";

/**
 * Which rows are present: those of this run, and those that were asked for in an earlier one, or that an older tool noted as
 * cached in the manifests that are there, and are still there.
 */
export async function presentRows(
  { rows, former }: { readonly rows: readonly ManifestRow[]; readonly former: readonly ManifestRow[] },
  report: DepsReport,
  cache: DepsCache,
  access: DepsAccess,
  signal: AbortSignal | undefined,
): Promise<PresentRows> {
  const noted = new Set(former.flatMap(({ item, isMarked }) => (item !== undefined && isMarked ? [keyOf(item)] : [])));
  const isKnown = (item: DepsItem) => recordOf(cache.state, item) !== undefined || noted.has(keyOf(item));
  const found = new FoundItems(report.items.filter(({ outcome }) => outcome !== "failed"));
  const known = rows.flatMap(({ item }) => (item !== undefined && !found.has(item) && isKnown(item) ? [item] : []));
  for (const one of await stillThere(report, known, cache, access, signal)) found.add(one);
  return new Map(
    rows.flatMap(({ key, item }) =>
      item !== undefined && found.has(item) ? [[key, found.contentOf(item)] as const] : [],
    ),
  );
}

function keyOf({ id, version, digest }: DepsItem): string {
  return JSON.stringify([id, version, digest]);
}

/** Items that are there, by their content, and under which names. */
class FoundItems {
  readonly #reports = new Map<string, ItemReport[]>();
  /** Paths that lead to a file, by what is there. */
  readonly #owners = new Map<string, string>();

  constructor(reports: readonly ItemReport[]) {
    for (const one of reports) this.add(one);
  }

  add(one: ItemReport): void {
    const key = contentKey(one.item);
    this.#reports.set(key, [...(this.#reports.get(key) ?? []), one]);
    for (const name of namesOf(one.item)) if (!this.#owners.has(name)) this.#owners.set(name, key);
  }

  /** Whether an item is there, by all its names but those that lead to other content. */
  has(item: DepsItem): boolean {
    const key = contentKey(item);
    if (!this.#reports.has(key)) return false;
    if (item.sink.type === "file") return namesOf(item).every((name) => this.#owners.has(name));
    const names = new Set((this.#reports.get(key) ?? []).flatMap(({ item: one }) => namesOf(one)));
    return namesOf(item).every((name) => names.has(name));
  }

  contentOf(item: DepsItem): ItemContent | undefined {
    return this.#reports.get(contentKey(item))?.[0]?.content;
  }
}

function namesOf({ sink }: DepsItem): readonly string[] {
  if (sink.type === "file") return [sink.path, ...sink.links];
  return sink.type === "layout" ? sink.names : sink.tags;
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
  await adoptFiles(items, cache, signal);
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
