import type { NameExplanation, TagVerdict } from "@tranship/core";

const reasons: Readonly<Record<TagVerdict["why"], string>> = {
  exact: "asked for by name",
  "newest-patch": "the newest patch of its line",
  bound: "a bound of the range",
  "newest-prerelease": "a prerelease newer than its line's stable patches",
  "older-patch": "an older patch",
  "same-version": "the same version by another tag",
  outside: "outside the range",
  prerelease: "a prerelease, and the range names none",
  "not-a-version": "no version",
};

/** Why tags are selected, for people: one line a tag, `+` before those that are. */
export function explanationTable(names: readonly NameExplanation[]): string {
  const lines: string[] = [];
  for (const { repository, asked, verdicts } of names) {
    lines.push(`${repository}: ${asked}`);
    for (const { tag, isSelected, why, instead } of verdicts) {
      const reason = instead === undefined ? reasons[why] : `${reasons[why]}; ${instead} is taken`;
      lines.push(`  ${isSelected ? "+" : "-"} ${tag.padEnd(24)} ${reason}`);
    }
  }
  return lines.length === 0 ? "nothing is asked for" : lines.join("\n");
}
