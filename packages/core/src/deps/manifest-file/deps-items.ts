import type { DepsItem, DepsManifest } from "../manifest.ts";
import { mergeItems } from "../merge-items.ts";
import { isSelected, type Selection } from "../selectors.ts";

/**
 * The items of a manifest that are wanted, each content once.
 * @param selection on an axis that is not in it, everything is wanted
 * @throws DepsError `PATH_CONFLICT` for different content in one place
 */
export function depsItems({ items }: DepsManifest, selection: Selection = {}): readonly DepsItem[] {
  return mergeItems(items.filter(({ selectors }) => isSelected(selectors, selection)));
}
