import type { Inspection } from "@tranship/core";
import { formatBytes } from "../print/size.ts";
import { escapeHtml } from "./escape-html.ts";

interface Card {
  readonly label: string;
  readonly value: string;
  readonly note: string;
  /** The filled part of a bar, from 0 to 1. */
  readonly part?: number | undefined;
}

/** The row of numbers at the top of the page. */
export function summaryStrip({ totals }: Inspection): string {
  const { images, tags, repositories, archives, archiveBytes, storedBytes, unsharedBytes, assumed, lacking } = totals;
  const saved = Math.max(0, unsharedBytes - storedBytes);
  const part = unsharedBytes > 0 ? saved / unsharedBytes : 0;
  const cards: readonly Card[] = [
    { label: "Images", value: number(images), note: counted(tags, "tag") },
    { label: "Repositories", value: number(repositories), note: counted(totals.blobs, "distinct blob") },
    { label: "Stored", value: formatBytes(storedBytes), note: `${formatBytes(totals.distinctBytes)} of it distinct` },
    {
      label: "Saved by sharing",
      value: formatBytes(saved),
      note: `${percent(part)} of ${formatBytes(unsharedBytes)}`,
      part,
    },
    ...(archives > 0
      ? [{ label: "Archives", value: number(archives), note: `${formatBytes(archiveBytes)} on disk` }]
      : []),
    ...(assumed.blobs > 0
      ? [{ label: "Left to a base", value: formatBytes(assumed.bytes), note: counted(assumed.blobs, "blob") }]
      : []),
    ...(lacking.blobs > 0
      ? [
          {
            label: "Lacking",
            value: counted(lacking.blobs, "blob"),
            note: `${formatBytes(lacking.bytes)} that images need`,
          },
        ]
      : []),
  ];
  return `<dl class="strip">\n${cards.map(cardHtml).join("\n")}\n</dl>`;
}

function cardHtml({ label, value, note, part }: Card): string {
  const bar = part === undefined ? "" : partBar(part);
  return (
    `<div><dt>${escapeHtml(label)}</dt><dd class="value">${escapeHtml(value)}</dd>` +
    `<dd class="note">${escapeHtml(note)}${bar}</dd></div>`
  );
}

/** A bar that is filled for `part` of its length, from 0 to 1; what it shows is said in words beside it. */
export function partBar(part: number): string {
  const width = `${(100 * Math.min(1, Math.max(0, part))).toFixed(1)}%`;
  return (
    `<svg class="bar" aria-hidden="true"><rect class="whole" width="100%" height="100%"/>` +
    `<rect class="part" width="${width}" height="100%"/></svg>`
  );
}

/** `1 tag`, `2,000 tags`. */
export function counted(amount: number, noun: string, plural: string = `${noun}s`): string {
  return `${number(amount)} ${amount === 1 ? noun : plural}`;
}

function number(amount: number): string {
  return amount.toLocaleString("en");
}

function percent(part: number): string {
  return `${Math.round(100 * part)} %`;
}
