import { DepsError } from "../errors.ts";
import type { DepsItem, DepsManifest } from "../manifest.ts";
import { mergeItems } from "../merge-items.ts";
import { PathClaims } from "../path-claims.ts";
import { isSelected, type Selection, type Selectors } from "../selectors.ts";

/**
 * The items of a manifest that are wanted, each content once.
 * @param selection on an axis that is not in it, everything is wanted
 * @throws DepsError `PATH_CONFLICT` for different content in one place, unless it is for different targets
 */
export function depsItems({ items }: DepsManifest, selection: Selection = {}): readonly DepsItem[] {
  const wanted = items.filter(({ selectors }) => isSelected(selectors, selection));
  requireOwnNames(wanted);
  return mergeItems(wanted);
}

/**
 * Whoever comes second to a name would not be found by it. Those for different targets may share one, as long as digests
 * keep their content apart: whoever chooses one target finds the right one.
 */
function requireOwnNames(items: readonly DepsItem[]): void {
  const claims = new PathClaims();
  const known = new Map<string, DepsItem>();
  for (const item of items) {
    const { id, source, digest, sink } = item;
    if (sink.type !== "file" || source.type === "git") continue;
    const key = digest ?? JSON.stringify(source);
    known.set(id, item);
    for (const path of digest === undefined ? [sink.path] : sink.links) {
      const holder = claims.claim(path, { key, id });
      const other = holder && known.get(holder.id);
      if (other === undefined || (digest && other.digest && areApart(item.selectors, other.selectors))) continue;
      const message = `cannot keep ${id} at ${path}: ${other.id} is kept there, or in the way`;
      throw new DepsError("PATH_CONFLICT", message, { path, items: [other.id, id] });
    }
  }
}

/** Whether no target is of both. */
function areApart(one: Selectors, other: Selectors): boolean {
  return Object.entries(one).some(
    ([axis, values]) => Object.hasOwn(other, axis) && !values.some((value) => other[axis]?.includes(value)),
  );
}
