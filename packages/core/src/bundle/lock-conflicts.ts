import { formatName } from "@tranship/registry";
import type { OnEvent } from "../events.ts";
import type { PlannedArchive } from "../plan/download-list.ts";

/** Tells of tags that archives kept from an earlier pull give to other images than the archives just made. */
export function warnOfConflicts(made: readonly PlannedArchive[], kept: readonly PlannedArchive[], emit: OnEvent): void {
  const now = new Map([...tagsOf(made)].map(({ name, digest }) => [name, digest]));
  for (const { archive, name, digest } of tagsOf(kept)) {
    const newer = now.get(name);
    if (newer === undefined || newer === digest) continue;
    const message = `${name} is ${newer} at the source, and ${digest} in ${archive}, which this pull did not renew: pull that part, too`;
    emit({ type: "warning.raised", code: "TAG_CONFLICT", message, reference: name });
  }
}

function* tagsOf(archives: readonly PlannedArchive[]) {
  for (const { archive, sections } of archives) {
    for (const { path, images } of sections.flatMap(({ repositories }) => repositories)) {
      for (const { tag, digest } of images) yield { archive, name: formatName(path, tag), digest };
    }
  }
}
