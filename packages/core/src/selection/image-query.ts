import { type Digest, isTag, type Tag } from "@tranship/registry";
import { isConstraint, parseConstraint } from "./constraint.ts";
import { refusal } from "./filter.ts";
import { type ImageExclusion, isGlob, parseImage } from "./image-expression.ts";
import { formatImageName, type ImageName, parseImageName } from "./image-name.ts";
import { globPattern, type Pattern, regexPattern } from "./image-pattern.ts";
import { checkImageSelection, formatImage, formatSelectors, type ImageSelection } from "./image-selection.ts";
import { parseVersionRange, type VersionRange } from "./version-range.ts";

/** What a tag may be tried by; `text` is how it was written. */
export type TagTest =
  | { readonly kind: "tag"; readonly text: string; readonly tag: Tag }
  | { readonly kind: "pattern"; readonly text: string; readonly pattern: Pattern }
  | { readonly kind: "range"; readonly text: string; readonly range: VersionRange };

/** What selects from the tags of a repository. */
export interface TagSelectors {
  /** All of them must hold. */
  readonly tests: readonly TagTest[];
  readonly latestPatchPerMinor?: number | undefined;
  readonly latest?: number | undefined;
}

/** Tests that leave a tag out when all of them hold. */
export type TagExclusion = readonly TagTest[];

/** What is asked of one repository, ready to be answered. */
export interface ImageQuery {
  readonly name: ImageName;
  /** The whole of it, the same for equal ones. */
  readonly text: string;
  /** What is asked of the repository, for people. */
  readonly asked: string;
  readonly want:
    | { readonly kind: "tags"; readonly tags: readonly Tag[]; readonly digest?: Digest | undefined }
    | { readonly kind: "digest"; readonly digest: Digest }
    | { readonly kind: "select"; readonly selectors: TagSelectors };
  readonly exclusions: readonly TagExclusion[];
}

/** An {@link ImageExclusion}, ready to be used. */
export interface ExclusionQuery {
  /** The full name; `undefined` for every repository. */
  readonly repository: string | undefined;
  readonly text: string;
  readonly exclusion: TagExclusion;
}

/**
 * Reads a selection, its text form or the object a program or a file gives.
 * @throws MirrorError `SELECTION_INVALID`
 */
export function imageQuery(given: string | ImageSelection): ImageQuery {
  const selection = typeof given === "string" ? parseImage(given) : checkImageSelection(given);
  const expression = typeof given === "string" ? given : formatImage(selection);
  const name = parseImageName(selection.repository);
  if (!name) throw refusal(expression, `${JSON.stringify(selection.repository)} is not the name of a repository`);
  const want = wantOf(selection, expression);
  const exclusions = (selection.exclude ?? []).map((text) => [exclusionTest(text, expression)]);
  const text = formatImage({ ...selection, repository: formatImageName(name) });
  return { name, text, asked: askedOf(selection), want, exclusions };
}

/** @throws MirrorError `SELECTION_INVALID` */
export function exclusionQuery({ repository, all }: ImageExclusion, expression: string): ExclusionQuery {
  const name = repository === undefined ? undefined : parseImageName(repository);
  const exclusion = all.map((text) => exclusionTest(text, expression));
  return { repository: name && formatImageName(name), text: expression.trim(), exclusion };
}

function wantOf(selection: ImageSelection, expression: string): ImageQuery["want"] {
  const { tags, digest, range, since, regex, glob, latestPatchPerMinor, latest, exclude } = selection;
  const selects = [range, since, regex, glob, latestPatchPerMinor, latest].some((one) => one !== undefined);
  if (tags !== undefined || digest !== undefined) {
    if (selects) throw refusal(expression, "a tag or digest leaves nothing to select", "ask for the two apart");
    if (tags === undefined && digest !== undefined) return { kind: "digest", digest };
    if (digest !== undefined && tags?.length !== 1) throw refusal(expression, "a digest is that of one tag");
    return { kind: "tags", tags: tags ?? [], digest };
  }
  if (!selects && (exclude ?? []).length === 0) return { kind: "tags", tags: ["latest"] };
  const tests = [
    ...(range === undefined ? [] : [rangeTest(range, expression)]),
    ...(since === undefined ? [] : [sinceTest(since, expression)]),
    ...(regex === undefined ? [] : [regexTest(regex, expression)]),
    ...(glob === undefined ? [] : [globTest(glob, expression)]),
  ];
  return { kind: "select", selectors: { tests, latestPatchPerMinor, latest } };
}

function askedOf(selection: ImageSelection): string {
  const { tags = [], digest } = selection;
  const selectors = formatSelectors(selection);
  const named = [...tags.map((tag) => `:${tag}`), ...(digest === undefined ? [] : [`@${digest}`])];
  return [...named, ...(selectors === "" ? [] : [selectors])].join(" & ") || ":latest";
}

function rangeTest(text: string, expression: string): TagTest {
  const constraint = parseConstraint(text);
  if (!isConstraint(constraint)) throw refusal(expression, constraint.reason, hintOf(constraint.hint, text));
  if (constraint.kind === "range") return { kind: "range", text, range: constraint.range };
  throw refusal(expression, `${JSON.stringify(text)} is not a range of versions`);
}

/** What a constraint's fault advises is written for names of a catalog; a tag is written with a colon here. */
function hintOf(hint: string | undefined, text: string): string | undefined {
  if (/[,]\s*(?:latest|since|!|\/)/.test(text)) return "write & between selectors, not a comma";
  return hint?.replace(/^write =(\S+) for a tag of that name$/, "write :$1 in place of the @ for a tag of that name");
}

function sinceTest(version: string, expression: string): TagTest {
  const range = /^v?[0-9]/.test(version) ? parseVersionRange(`>=${version}`) : undefined;
  if (range && !/[\s,|]/.test(version.trim())) return { kind: "range", text: `since:${version}`, range };
  throw refusal(expression, `${JSON.stringify(version)} is not a version to begin with`, "write it like since:1.2");
}

function regexTest(regex: string, expression: string): TagTest {
  if (regex.includes("/")) throw refusal(expression, `/${regex.slice(0, 100)}/ has a slash in it, and no tag has one`);
  const pattern = regexPattern(regex);
  if (pattern) return { kind: "pattern", text: `/${regex}/`, pattern };
  throw refusal(
    expression,
    `${JSON.stringify(regex.slice(0, 100))} is no regular expression of at most 512 characters`,
  );
}

function globTest(glob: string, expression: string): TagTest {
  const pattern = globPattern(glob);
  if (pattern) return { kind: "pattern", text: glob, pattern };
  throw refusal(expression, `${JSON.stringify(glob.slice(0, 100))} is no pattern of a tag`);
}

function exclusionTest(text: string, expression: string): TagTest {
  if (/^\/[^/]*\/$/.test(text)) return regexTest(text.slice(1, -1), expression);
  if (isGlob(text)) return globTest(text, expression);
  const tag = text.slice(1).trim();
  if (/^=(?![<>=])/.test(text) && isTag(tag)) return { kind: "tag", text, tag };
  if (/^[<>~^]/.test(text)) return rangeTest(text, expression);
  const hint = isTag(text)
    ? `write =${text} for that tag, or a range such as >=1.2 <2`
    : "write =TAG, a range, /regex/ or a glob";
  throw refusal(expression, `${JSON.stringify(text.slice(0, 100))} leaves nothing out`, hint);
}
