import { percent, shareOf } from "./bar.ts";
import { formatElapsed } from "./elapsed.ts";
import type { ProgressState } from "./progress-state.ts";
import { count, formatBytes } from "./size.ts";

/** How far a run is, in one line that needs no other to be understood; `undefined` while there is nothing to tell. */
export function plainLine(state: ProgressState, nowMs: number): string | undefined {
  const { activity, items, listedItems, images, plannedBytes, doneBytes, isGrowing, isUnmeasured, tally } = state;
  if (activity === undefined) return undefined;
  const after = `after ${formatElapsed(state.elapsedMs(nowMs))}`;
  if (activity === "planning")
    return `planning: ${listedItems > 0 ? `${items} of ` : ""}${count(Math.max(items, listedItems), "item")} begun, ${count(images, "image")}, ${formatBytes(plannedBytes)} so far; ${after}`;
  const ofItems = tally === "" ? "" : `; ${tally}`;
  if (isUnmeasured) return `${activity}${ofItems}; ${after}`;
  const amount =
    plannedBytes > 0
      ? `${formatBytes(doneBytes)} of ${formatBytes(plannedBytes)}${isGrowing ? " planned so far" : ""} (${percent(shareOf(doneBytes, plannedBytes))})`
      : formatBytes(doneBytes);
  const leftMs = state.leftMs(nowMs);
  return [
    `${activity}: ${amount}, ${formatBytes(state.bytesPerSecond(nowMs))}/s`,
    ...(leftMs === undefined || doneBytes >= plannedBytes ? [] : [`, about ${formatElapsed(leftMs)} left`]),
    ...(isGrowing ? [`; item ${items} of ${listedItems}`] : []),
    ...(state.archives > 0 ? [`; ${count(state.archives, "archive")} finished`] : []),
    ...(state.retries > 0 ? [`; ${count(state.retries, "retry", "retries")}`] : []),
    ofItems,
    `; ${after}`,
  ].join("");
}
