import { type DownloadList, formatDownloadList, type MissingImage } from "@tranship/core";

/** Faults by which a source refuses what it has. */
const refusals: readonly string[] = ["401 out of nothing", "403 out of nothing"];

/**
 * What a list says to have gone on without, because the source refused it: of a catalog of everything, one repository may be
 * refused and the others brought. Nothing where no such fault happened.
 */
export function toldRefusals(
  missing: readonly MissingImage[],
  truth: readonly MissingImage[],
  fired: ReadonlyMap<string, number>,
): readonly MissingImage[] {
  if (!refusals.some((name) => fired.has(name))) return [];
  const known = new Set(truth.map(({ reference }) => reference));
  return missing.filter(({ reference, why }) => why === "catalog" && !known.has(reference));
}

/** Whether a list is the right one, but for repositories that it says the source refused. */
export function isRightButFor(told: readonly MissingImage[], list: DownloadList, truth: DownloadList): boolean {
  const without = { ...list, missing: list.missing.filter((one) => !told.includes(one)) };
  const refused = new Set(told.map(({ archive, reference }) => `${archive} ${reference}`));
  const archives = truth.archives.map((planned) => ({
    ...planned,
    sections: planned.sections.map((section) => ({
      ...section,
      repositories: section.repositories.filter(({ source }) => !refused.has(`${planned.archive} ${source}`)),
    })),
  }));
  return formatDownloadList(without) === formatDownloadList({ ...truth, archives });
}
