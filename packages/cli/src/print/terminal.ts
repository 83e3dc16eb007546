import type { Environment } from "../environment.ts";
import type { TextStream } from "./text-stream.ts";

/** How progress is shown, as `--progress` names it. */
export const progressKinds = ["auto", "bar", "plain", "none"] as const;

/** One of {@link progressKinds}. */
export type ProgressKind = (typeof progressKinds)[number];

/**
 * What `auto` means here: a block that is redrawn where somebody looks at a terminal that can, else lines now and then.
 * Whoever asks for `bar` without a terminal gets lines: nothing there could be redrawn.
 */
export function progressKindFor(
  asked: ProgressKind,
  stream: TextStream,
  { TERM, CI }: Environment,
): Exclude<ProgressKind, "auto"> {
  if (asked === "none" || asked === "plain") return asked;
  if (!stream.isTTY || TERM === "dumb") return "plain";
  return asked === "auto" && isSet(CI) && CI !== "false" ? "plain" : "bar";
}

/**
 * Whether `stream` gets colours: never with `NO_COLOR`; else with `FORCE_COLOR` or `CLICOLOR_FORCE`, unless that is `0`;
 * else on a terminal that is not dumb.
 * @see https://no-color.org
 * @see https://bixense.com/clicolors
 */
export function hasColours(stream: TextStream, { NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, TERM }: Environment): boolean {
  if (isSet(NO_COLOR)) return false;
  if ([FORCE_COLOR, CLICOLOR_FORCE].some((force) => isSet(force) && force !== "0" && force !== "false")) return true;
  if (FORCE_COLOR === "0" || FORCE_COLOR === "false") return false;
  return stream.isTTY === true && TERM !== "dumb";
}

/** Whether the terminal's text is UTF-8, by what the locale says; without one it is not known to be. */
export function isUnicode({ LC_ALL, LC_CTYPE, LANG, WT_SESSION }: Environment): boolean {
  return isSet(WT_SESSION) || /utf-?8/i.test([LC_ALL, LC_CTYPE, LANG].find(isSet) ?? "");
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== "";
}
