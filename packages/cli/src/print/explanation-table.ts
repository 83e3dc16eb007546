import type { ImageExplanation, ImageTagVerdict, NameExplanation, TagVerdict } from "@tranship/core";
import { shortTag } from "./short-tag.ts";

const reasons: Readonly<Record<TagVerdict["why"] | ImageTagVerdict["why"], string>> = {
  exact: "asked for by name",
  "newest-patch": "the newest patch of its line",
  bound: "a bound of the range",
  "newest-prerelease": "a prerelease newer than its line's stable patches",
  "older-patch": "an older patch",
  "same-version": "the same version by another tag",
  outside: "outside the range",
  prerelease: "a prerelease, and the range names none",
  "not-a-version": "no version",
  matched: "every selector holds",
  newest: "among the newest versions",
  older: "an older version",
  excluded: "left out",
  "no-match": "the pattern does not fit",
  attached: "hangs on an image, and comes with it",
};

/** Why tags are selected, for people: one line a tag, `+` before those that are. */
export function explanationTable(names: readonly (NameExplanation | ImageExplanation)[]): string {
  const lines: string[] = [];
  for (const { repository, asked, verdicts } of names) {
    lines.push(`${repository}: ${asked}`);
    for (const { tag, isSelected, why, instead, by } of verdicts as readonly (TagVerdict & ImageTagVerdict)[]) {
      const because = by === undefined ? reasons[why] : `${reasons[why]}: ${by}`;
      const reason = instead === undefined ? because : `${because}; ${instead} is taken`;
      lines.push(`  ${isSelected ? "+" : "-"} ${shortTag(tag).padEnd(24)} ${reason}`);
    }
  }
  return lines.length === 0 ? "nothing is asked for" : lines.join("\n");
}
