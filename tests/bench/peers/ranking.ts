import { median } from "../measure.ts";
import type { EntrantFigures } from "./figures.ts";
import type { Measured } from "./measured.ts";

/** The middle of what an entrant came to. */
export function middle({ rounds }: EntrantFigures, of: keyof Measured): number {
  return median(rounds.map((round) => round[of]));
}

/** The most an entrant came to in any round. */
export function highest({ rounds }: EntrantFigures, of: keyof Measured): number {
  return Math.max(...rounds.map((round) => round[of]));
}

/** The fastest of other people's programs, of those with such a name; the ceiling is none of them. */
export function fastestPeer(entrants: readonly EntrantFigures[], name: RegExp = /^/): EntrantFigures | undefined {
  const peers = entrants.filter((one) => one.kind === "peer" && one.rounds.length > 0 && name.test(one.name));
  return peers.sort((a, b) => middle(a, "wallS") - middle(b, "wallS"))[0];
}
