import { isDigest, isTag } from "@tranship/registry";
import { refusal } from "./filter.ts";
import { parseImageName } from "./image-name.ts";
import type { ImageSelection } from "./image-selection.ts";
import { requireNoPassword } from "./require-no-password.ts";

/** Longer expressions are not read, in characters. */
const maxLength = 4096;

/** The part of a selection that one selector of the text says. */
type Part = Omit<ImageSelection, "repository">;

/** An expression in its two halves. */
interface Halves {
  readonly repository: string;
  /** The tag after a `:`. */
  readonly tag?: string | undefined;
  /** What follows the first `@`. */
  readonly rest?: string | undefined;
}

/**
 * Reads which images are wanted:
 *
 * ```
 * image     = name [ ":" tag ] [ "@" digest ]        that image; without tag and digest, the tag latest
 *           | name "@" selector { "&" selector }     tags for which every selector holds
 * selector  = range                                  versions in it, such as ^1.3, >=1.2 <2, 1.3.0: see parseConstraint
 *           | "since:" version                       versions from this one on
 *           | "/" regex "/"                          tags it fits
 *           | glob                                   tags that "*" and "?" make of it
 *           | "latest-patch" [ ":" number ]          so many newest patches of every minor line, or one
 *           | "latest:" number                       so many newest versions
 *           | "!" ( "=" tag | range | "/" regex "/" | glob )     leaves these out; any number of times
 *           | "=" tag                                the same as ":" tag; alone
 * ```
 *
 * Each kind of selector once but `!`. A comma joins comparisons inside a range and nothing else; no tag has a `/` in it,
 * and so no regular expression needs one.
 * @throws MirrorError `SELECTION_INVALID`
 */
export function parseImage(expression: string): ImageSelection {
  const { repository, tag, rest } = halvesOf(expression);
  if (!parseImageName(repository)) throw notAName(expression, repository);
  if (tag !== undefined && !isTag(tag)) throw refusal(expression, `${JSON.stringify(tag)} is not a tag`);
  const tags = tag === undefined ? {} : { tags: [tag] };
  if (rest === undefined) return { repository, tags: [tag ?? "latest"] };
  if (/^sha(?:256|512):/.test(rest)) {
    if (isDigest(rest)) return { repository, ...tags, digest: rest };
    throw refusal(expression, `${JSON.stringify(rest)} is not a digest`);
  }
  if (tag !== undefined)
    throw refusal(expression, "a tag leaves nothing to select", "write either :TAG or @ and what selects tags");
  let part: Part = {};
  for (const selector of selectorsOf(rest, expression))
    part = joined(part, readSelector(selector, expression), expression);
  if (part.tags !== undefined && Object.keys(part).length > 1)
    throw refusal(expression, "a tag leaves nothing to select", "say it alone");
  return { repository, ...part };
}

/** What is left out of a repository, or of every one. */
export interface ImageExclusion {
  /** Host and path; `undefined` for every repository. */
  readonly repository: string | undefined;
  /** What is left out, as in {@link ImageSelection.exclude}: where all of it holds. None means everything. */
  readonly all: readonly string[];
}

/**
 * Reads what is left out: a name or `*` for every repository, alone or with `:tag` or `@` and selectors that need no
 * counting, joined by `&`.
 * @throws MirrorError `SELECTION_INVALID`
 */
export function parseImageExclusion(expression: string): ImageExclusion {
  const { repository: name, tag, rest } = halvesOf(expression);
  const repository = name === "*" ? undefined : name;
  if (repository !== undefined && !parseImageName(repository)) throw notAName(expression, repository);
  if (tag !== undefined && rest !== undefined) throw refusal(expression, "it names a tag and more");
  if (tag !== undefined && !isTag(tag)) throw refusal(expression, `${JSON.stringify(tag)} is not a tag`);
  if (rest !== undefined && isDigest(rest)) throw refusal(expression, "only tags are left out", "write :TAG");
  const all = tag !== undefined ? [`=${tag}`] : rest === undefined ? [] : selectorsOf(rest, expression);
  if (repository === undefined && all.length === 0) throw refusal(expression, "it leaves out everything");
  return { repository, all };
}

/** A name may have a port, and what follows an `@` a colon: the tag's colon is the last one before it, behind every slash. */
function halvesOf(expression: string): Halves {
  if (expression.length > maxLength) throw refusal(expression, `it is longer than ${maxLength} characters`);
  const text = expression.trim();
  requireNoPassword(text);
  const at = text.indexOf("@");
  const named = (at < 0 ? text : text.slice(0, at)).trim();
  const rest = at < 0 ? {} : { rest: text.slice(at + 1).trim() };
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  if (named === "") throw refusal(expression, "it has no name");
  if (colon < 0) return { repository: named, ...rest };
  return { repository: named.slice(0, colon), tag: named.slice(colon + 1), ...rest };
}

function notAName(expression: string, name: string) {
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(name);
  const [, port] = /^[^/:]+:([0-9]+)\//.exec(name) ?? [];
  const hint = isUrl
    ? "write it without a scheme"
    : Number(port) > 65_535
      ? "a port is at most 65535"
      : "write host/path, such as ghcr.io/org/app, in lower case";
  return refusal(expression, `${JSON.stringify(name)} is not the name of a repository`, hint);
}

/** Splits at `&`; between the slashes of a regular expression it is a character like others. */
function selectorsOf(text: string, expression: string): readonly string[] {
  const selectors: string[] = [];
  const pattern = /\s*(!?\s*\/[^/]*\/|[^&]*?)\s*(?:&|$)/y;
  for (let at = 0; at <= text.length; at = pattern.lastIndex) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    const [whole = "", selector = ""] = match ?? [];
    if (!match || selector === "")
      throw refusal(expression, text === "" ? "nothing follows the @" : "a selector is missing beside an &");
    selectors.push(selector);
    if (!whole.endsWith("&")) break;
  }
  return selectors;
}

function joined(before: Part, more: Part, expression: string): Part {
  const [twice] = Object.keys(more).filter((key) => key in before && key !== "exclude");
  if (twice !== undefined) throw refusal(expression, `${kinds[twice as keyof Part]} is given twice`, "say it in one");
  const exclude = [...(before.exclude ?? []), ...(more.exclude ?? [])];
  return { ...before, ...more, ...(exclude.length === 0 ? {} : { exclude }) };
}

const kinds: Readonly<Record<keyof Part, string>> = {
  tags: "a tag",
  digest: "a digest",
  range: "a range",
  since: "since:",
  regex: "a regular expression",
  glob: "a pattern",
  latestPatchPerMinor: "latest-patch",
  latest: "latest:",
  exclude: "!",
};

function readSelector(selector: string, expression: string): Part {
  if (selector.startsWith("!")) return { exclude: [selector.slice(1).trim()] };
  if (selector.startsWith("/")) return { regex: regexOf(selector, expression) };
  const [, word, given] = /^(latest-patch|latest|since)(?::\s*(.*))?$/.exec(selector) ?? [];
  if (word === "since") return { since: given ?? "" };
  if (word === "latest-patch") return { latestPatchPerMinor: given === undefined ? 1 : countOf(given, expression) };
  if (word === "latest" && given === undefined)
    throw refusal(
      expression,
      "@latest can mean two things",
      "write :latest for that tag, @latest:1 for the newest version",
    );
  if (word === "latest") return { latest: countOf(given ?? "", expression) };
  if (isGlob(selector)) return { glob: selector };
  if (/^=(?![<>=])/.test(selector)) return { tags: [tagOf(selector.slice(1).trim(), expression)] };
  return { range: selector };
}

/** Whether a selector is a glob: nothing but what tags are made of, with a `*` or `?` in it. */
export function isGlob(selector: string): boolean {
  return /^[A-Za-z0-9_.*?-]+$/.test(selector) && /[*?]/.test(selector);
}

function regexOf(selector: string, expression: string): string {
  const [, regex] = /^\/([^/]*)\/$/.exec(selector) ?? [];
  if (regex !== undefined) return regex;
  throw refusal(expression, `${JSON.stringify(selector)} is no regular expression between slashes`);
}

function countOf(text: string, expression: string): number {
  if (/^[1-9][0-9]{0,5}$/.test(text)) return Number(text);
  throw refusal(expression, `${JSON.stringify(text)} is not how many`, "write a number from 1 on, such as latest:3");
}

function tagOf(text: string, expression: string): string {
  if (isTag(text)) return text;
  throw refusal(expression, `${JSON.stringify(text)} is not a tag`);
}
