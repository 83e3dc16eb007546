import { asciiBar, type BarGlyphs, barParts, percent, shareOf, unicodeBar } from "./bar.ts";
import type { Colours } from "./colours.ts";
import { formatElapsed } from "./elapsed.ts";
import { escapeToAscii } from "./escape-controls.ts";
import type { Moving, ProgressState } from "./progress-state.ts";
import { count, formatBytes } from "./size.ts";

/** How a block is drawn. */
export interface BlockStyle {
  readonly colours: Colours;
  readonly isUnicode: boolean;
  /** The room there is, in characters. */
  readonly columns: number;
  /** The room there is, in lines. */
  readonly rows: number;
}

/** At most so many lines say what is on its way. */
const maxMoving = 8;

/** A part of a line: what is seen, and how. A part with a lower rank goes first where there is no room. */
interface Part {
  readonly text: string;
  readonly paint?: ((text: string) => string) | undefined;
  readonly rank?: number | undefined;
}

/**
 * The block at the bottom of a terminal: how far the run is, and below it what is on its way. Every line fits the room and
 * is of ASCII but for the bars, so that as many characters are as many columns.
 */
export function progressBlock(state: ProgressState, nowMs: number, style: BlockStyle): readonly string[] {
  const { activity } = state;
  if (activity === undefined) return [];
  const room = Math.max(20, style.columns - 1); // a full line makes some terminals begin another
  if (activity === "planning") return [fit(planningParts(state, nowMs, style), room)];
  const shown = state.moving.slice(0, Math.max(0, Math.min(maxMoving, style.rows - 5)));
  const rest = state.moving.length - shown.length;
  return [
    ...overallLines(state, nowMs, style, room),
    ...movingLines(shown, style, room),
    ...(rest > 0 ? [style.colours.dim(`  and ${rest} more`)] : []),
  ];
}

function planningParts(state: ProgressState, nowMs: number, { colours }: BlockStyle): readonly Part[] {
  const { items, listedItems, images, plannedBytes } = state;
  return [
    { text: "planning", paint: colours.cyan },
    { text: listedItems > 0 ? `${items} of ${count(listedItems, "item")} begun` : count(items, "item") },
    { text: count(images, "image") },
    { text: `${formatBytes(plannedBytes)} so far` },
    { text: formatElapsed(state.elapsedMs(nowMs)), paint: colours.dim, rank: 1 },
  ];
}

/** In one line where there is much room; else the bar with what it stands for, and below it the rest. */
function overallLines(state: ProgressState, nowMs: number, style: BlockStyle, room: number): readonly string[] {
  const { colours } = style;
  const { activity = "", plannedBytes, doneBytes, isGrowing, isUnmeasured } = state;
  const share = shareOf(doneBytes, plannedBytes);
  const rest = restParts(state, nowMs, style);
  const head: Part = { text: activity, paint: colours.cyan };
  if (isUnmeasured) return [fit([head, ...rest], room)];
  if (plannedBytes === 0) return [fit([head, { text: formatBytes(doneBytes) }, ...rest], room)];
  const planned = formatBytes(plannedBytes);
  const amounts = `${formatBytes(doneBytes).padStart(planned.length)} of ${planned}${isGrowing ? "+" : ""}`;
  const before = [head, { text: percent(share).padStart(4), paint: colours.bold }];
  const fixed = widthOf([...before, { text: amounts }]) + 2;
  const inOneLine = Math.min(60, room - widthOf([...before, { text: amounts }, ...rest]) - 2);
  if (inOneLine >= 24) return [[textOf(before), bar(share, inOneLine, style), amounts, textOf(rest)].join("  ")];
  const width = Math.min(40, room - fixed);
  const first = width < 6 ? fit([...before, { text: amounts }], room) : undefined;
  return [first ?? [textOf(before), bar(share, width, style), amounts].join("  "), `  ${fit(rest, room - 2)}`];
}

function restParts(state: ProgressState, nowMs: number, { colours }: BlockStyle): readonly Part[] {
  const { items, listedItems, archives, retries, isGrowing, tally } = state;
  const leftMs = state.leftMs(nowMs);
  const isLeft = leftMs !== undefined && state.doneBytes < state.plannedBytes;
  return [
    ...(state.isUnmeasured ? [] : [{ text: `${formatBytes(state.bytesPerSecond(nowMs))}/s`.padStart(10) }]),
    ...(isLeft ? [{ text: `${formatElapsed(leftMs)} left`, rank: 5 }] : []),
    { text: `${formatElapsed(state.elapsedMs(nowMs))} so far`, paint: colours.dim, rank: 4 },
    ...(isGrowing ? [{ text: `item ${items} of ${listedItems}`, rank: 3 }] : []),
    ...(tally === "" ? [] : [{ text: tally, rank: 6 }]),
    ...(archives > 0 ? [{ text: `${count(archives, "archive")} finished`, rank: 2 }] : []),
    ...(retries > 0 ? [{ text: count(retries, "retry", "retries"), rank: 1 }] : []),
  ];
}

/** The lines of what is on its way, in columns: as wide as they have to be, and no wider than there is room. */
function movingLines(moving: readonly Moving[], style: BlockStyle, room: number): readonly string[] {
  const barWidth = room >= 120 ? 30 : room >= 70 ? 10 : 0;
  const others = 2 + 2 + 10 + (barWidth > 0 ? 2 + barWidth : 0) + 2 + 4;
  const names = moving.map(nameOf);
  const nameWidth = Math.max(8, Math.min(room - others, Math.max(...names.map(({ length }) => length), 24)));
  return moving.map(({ size, doneBytes }, at) => {
    const share = shareOf(doneBytes, size ?? 0);
    const name = shorten(names[at] ?? "", nameWidth).padEnd(nameWidth);
    if (size === undefined) return `  ${[name, formatBytes(doneBytes).padStart(10)].join("  ")}`;
    const parts = [name, formatBytes(size).padStart(10), ...(barWidth > 0 ? [bar(share, barWidth, style)] : [])];
    return `  ${[...parts, percent(share).padStart(4)].join("  ")}`;
  });
}

/** `packages/console@1f3ab2c4d5e6`; the algorithm is no help to anybody here. */
function nameOf({ repository, digest }: Moving): string {
  const short = digest === undefined ? "" : `@${digest.slice(digest.indexOf(":") + 1).slice(0, 12)}`;
  return escapeToAscii(`${repository}${short}`);
}

/** `text` in `width` characters: what is left out is in the middle, for names differ at their ends. */
function shorten(text: string, width: number): string {
  if (text.length <= width) return text;
  const end = Math.min(width - 2, Math.max(13, Math.floor(width / 2))); // a short digest and what is before it
  return `${text.slice(0, Math.max(0, width - 2 - end))}..${text.slice(text.length - end)}`;
}

function bar(share: number, width: number, { colours, isUnicode }: BlockStyle): string {
  const glyphs: BarGlyphs = isUnicode ? unicodeBar : asciiBar;
  const { done, left } = barParts(share, width, glyphs);
  return `${colours.cyan(done)}${colours.dim(left)}`;
}

/** The parts in `room` characters, without those of the lowest rank where there are too many. */
function fit(parts: readonly Part[], room: number): string {
  let kept = parts;
  while (widthOf(kept) > room) {
    const ranks = kept.flatMap(({ rank }) => rank ?? []);
    if (ranks.length === 0)
      return kept
        .map(({ text }) => text)
        .join("  ")
        .slice(0, room);
    const lowest = Math.min(...ranks);
    kept = kept.filter(({ rank }) => rank !== lowest);
  }
  return textOf(kept);
}

function widthOf(parts: readonly Part[]): number {
  return parts.reduce((sum, { text }) => sum + text.length, 2 * Math.max(0, parts.length - 1));
}

function textOf(parts: readonly Part[]): string {
  return parts.map(({ text, paint }) => (paint ? paint(text) : text)).join("  ");
}
