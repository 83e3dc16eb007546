import { type Digest, formatName, type Tag } from "@tranship/registry";
import { MirrorError } from "../errors.ts";
import { compareText } from "../layout/index-file.ts";

/** One of two images that would have the same name. */
export interface Rival {
  readonly reference: string;
  readonly digest: Digest;
}

/** The error of two images for one tag at one path; told in the same order whichever of them comes first. */
export function pathConflict(path: string, tag: Tag, one: Rival, other: Rival): MirrorError<"PATH_CONFLICT"> {
  const rivals = [one, other].sort((a, b) => compareText(a.reference, b.reference));
  const references = rivals.map(({ reference }) => reference);
  const said = rivals.map(({ reference, digest }) => `${reference} is ${digest}`).join(", ");
  return new MirrorError("PATH_CONFLICT", `${formatName(path, tag)} would be two images: ${said}`, {
    path,
    references,
  });
}
