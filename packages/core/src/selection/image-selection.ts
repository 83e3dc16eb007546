import type { Digest, Tag } from "@tranship/registry";
import * as z from "zod";
import { tagSchema } from "../plan/names.ts";
import { digestSchema } from "../plan/section.ts";
import { refusal } from "./filter.ts";
import { requireNoPassword } from "./require-no-password.ts";

/**
 * Which images of one repository are wanted. Without anything but the name, the tag `latest` is; `tags` and `digest` name
 * images, everything else selects from the repository's tags: what is given must all hold, and of that the limits
 * leave the newest. The text form of it is read by {@link parseImage}.
 */
export interface ImageSelection {
  /** Host and path, such as `ghcr.io/org/app`; without a host, one of Docker Hub, as docker reads it. */
  readonly repository: string;
  /** Exact tags. */
  readonly tags?: readonly Tag[] | undefined;
  /** Alone, the image of that digest; with one tag, what the tag has to be. */
  readonly digest?: Digest | undefined;
  /** Versions in a range, such as `^1.3` or `>=1.2 <2`: see {@link parseConstraint}. */
  readonly range?: string | undefined;
  /** Versions from this one on: the range `>=` of it. */
  readonly since?: string | undefined;
  /** Tags a JavaScript regular expression fits, such as `^v[0-9]+$`, at most 512 characters. */
  readonly regex?: string | undefined;
  /** Tags a glob fits whole, such as `v1.*`: `*` for any characters, `?` for one. */
  readonly glob?: string | undefined;
  /** Of every minor line of versions, only so many of the newest patches. */
  readonly latestPatchPerMinor?: number | undefined;
  /** Only so many of the newest versions; counted last. */
  readonly latest?: number | undefined;
  /** Tags to leave out: globs, `/regex/`, `=TAG` or ranges. @defaultValue none */
  readonly exclude?: readonly string[] | undefined;
}

const countSchema = z.number().int().min(1).max(1_000_000);

/** Schema of {@link ImageSelection}: nothing that it does not know. */
const imageSelectionSchema: z.ZodType<ImageSelection> = z.strictObject({
  repository: z.string(),
  tags: z.array(tagSchema).min(1).optional(),
  digest: digestSchema.optional(),
  range: z.string().optional(),
  since: z.string().optional(),
  regex: z.string().optional(),
  glob: z.string().optional(),
  latestPatchPerMinor: countSchema.optional(),
  latest: countSchema.optional(),
  exclude: z.array(z.string()).optional(),
});

/** `value` as it is when it has the shape of a selection. @throws MirrorError `SELECTION_INVALID` */
export function checkImageSelection(value: unknown): ImageSelection {
  requireNoPassword(describe(value));
  const result = imageSelectionSchema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const where = issue?.path.join(".") ?? "";
  throw refusal(describe(value), `${where === "" ? "" : `${where}: `}${issue?.message ?? "it has the wrong shape"}`);
}

/**
 * The text of a selection, one line: equal for equal ones, for messages and for telling selections apart. What text can
 * say, {@link parseImage} reads back.
 */
export function formatImage(selection: ImageSelection): string {
  const { repository, tags, digest, exclude = [] } = selection;
  const excluded = exclude.map((one) => ` & !${one}`).join("");
  if (digest !== undefined)
    return `${repository}${tags === undefined ? "" : `:${tags.join(",")}`}@${digest}${excluded}`;
  if (tags !== undefined) return `${repository}:${tags.join(",")}${excluded}`;
  const selectors = formatSelectors(selection);
  return selectors === "" ? `${repository}:latest` : `${repository}@${selectors}`;
}

/** The selectors of a selection as text; empty without any. */
export function formatSelectors({ exclude = [], ...selection }: ImageSelection): string {
  const { range, since, regex, glob, latestPatchPerMinor, latest } = selection;
  return [
    ...(range === undefined ? [] : [range]),
    ...(since === undefined ? [] : [`since:${since}`]),
    ...(regex === undefined ? [] : [`/${regex}/`]),
    ...(glob === undefined ? [] : [glob]),
    ...exclude.map((one) => `!${one}`),
    ...(latestPatchPerMinor === undefined ? [] : [`latest-patch:${latestPatchPerMinor}`]),
    ...(latest === undefined ? [] : [`latest:${latest}`]),
  ].join(" & ");
}

function describe(value: unknown): string {
  const repository = (value as { readonly repository?: unknown } | null)?.repository;
  return typeof repository === "string" ? repository : "an image selection";
}
