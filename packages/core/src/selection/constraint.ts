import { isTag, type Tag } from "@tranship/registry";
import { isReleaseChannel } from "./channels.ts";
import { parseVersionRange, type VersionRange, versionLine } from "./version-range.ts";

/**
 * What may follow a name's `@`: one exact tag, which a release channel may be named after (`=v1.3.0+stable`), or a range
 * of versions.
 */
export type Constraint =
  | { readonly kind: "exact"; readonly tag: Tag; readonly channel?: string | undefined }
  | { readonly kind: "range"; readonly range: VersionRange };

/** Why a constraint cannot be read, and how to write what was probably meant. */
export interface ConstraintFault {
  readonly reason: string;
  readonly hint?: string | undefined;
}

const emptyHint = "write >=1.2.3 in quotes, or the shell takes > and < for redirections; or was a variable empty?";

/** Longer constraints are not read, in characters: what tells their faults apart is not made for texts of any length. */
const maxLength = 4096;

/**
 * Reads a constraint, without the name and the `@`:
 * - `=TAG` is that tag as the registry has it; `=TAG+CHANNEL` gives it the channel's name too;
 * - `>=1.3 <2`, `~1.3 || ~1.5`, `^1.3`, … is a range;
 * - `1.3.0` is that version and what follows up to the next major.
 */
export function parseConstraint(given: string): Constraint | ConstraintFault {
  const text = given.trim();
  if (text.length > maxLength) return { reason: `what follows the @ is longer than ${maxLength} characters` };
  if (text === "") return { reason: "nothing follows the @", hint: emptyHint };
  if (text.startsWith("=")) return parseExact(text);
  if (/^[<>~^]/.test(text)) return parseRange(text);
  const line = versionLine(text);
  if (line && !text.includes("+")) return { kind: "range", range: line };
  if (line) {
    const hint = `write =${text} for that tag under the channel's name too`;
    return { reason: "a version has no release channel", hint };
  }
  if (text.startsWith("!=")) return { reason: "!= alone leaves everything else", hint: `write >=0.0.0 ${text}` };
  if (/^[0-9v.]+\s+-\s+[0-9v.]+$/.test(text))
    return { reason: "a dash makes no range", hint: `write ${text.replace(/^(\S+)\s+-\s+(\S+)$/, ">=$1 <=$2")}` };
  if (text.includes("@")) return { reason: `${quoted(text)} has a second @` };
  const hint = isTag(text) ? `write =${text} for a tag of that name` : undefined;
  return { reason: `${quoted(text)} is not a version`, ...(hint === undefined ? {} : { hint }) };
}

/** Whether a constraint could be read. */
export function isConstraint(parsed: Constraint | ConstraintFault): parsed is Constraint {
  return "kind" in parsed;
}

function parseExact(text: string): Constraint | ConstraintFault {
  const [, swapped, rest = ""] = /^=([<>=])\s*(.*)$/s.exec(text) ?? [];
  if (swapped !== undefined) {
    const meant = swapped === "=" ? `=${rest}` : `${swapped}=${rest}`;
    return { reason: `it starts with ${quoted(`=${swapped}`)}`, hint: `write ${meant}` };
  }
  const plus = text.indexOf("+");
  const tag = text.slice(1, plus < 0 ? undefined : plus).trim();
  const channel = plus < 0 ? undefined : text.slice(plus + 1).trim();
  if (tag === "") return { reason: "no tag follows the =" };
  if (!isTag(tag)) return { reason: `${quoted(tag)} is not a tag` };
  if (channel === undefined) return { kind: "exact", tag };
  if (isReleaseChannel(channel)) return { kind: "exact", tag, channel };
  return {
    reason: `${quoted(channel)} is not a release channel`,
    hint: "those are alpha, beta, early-access, stable, rock-solid and lts",
  };
}

function parseRange(text: string): Constraint | ConstraintFault {
  const range = parseVersionRange(text);
  if (range) return { kind: "range", range };
  const hint = /[<>]=[^|]*[xX*]/.test(text)
    ? "leave out the numbers you do not mind: >=1.3 for every 1.3 and later"
    : "write it like >=1.3.0 <2.0.0, ~1.3, ^1.3 or ~1.3||~1.5";
  return { reason: `${quoted(text)} is not a range of versions`, hint };
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
