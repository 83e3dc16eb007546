import { type Digest, formatName, printable, type RepositoryReader } from "@tranship/registry";
import { RootfsError } from "../errors.ts";
import { canonicalName, parseImageRef, wantedOf } from "./image-reference.ts";
import type { SourceSpec } from "./source.ts";

/** An image in a folder or archive, as part of a {@link SourceSpec}. */
export interface OpenedImage extends Pick<SourceSpec, "imageRef"> {
  readonly repository: RepositoryReader;
  readonly reference: Digest;
}

/** Names of images in an error are so many at most. */
const maxOffered = 20;

/** Whether two names mean the same image: `alpine` is `docker.io/library/alpine:latest`. */
export function sameName(one: string, other: string): boolean {
  return one === other || fullNameOf(one) === fullNameOf(other);
}

/** The error for a place that has not the image, or several where none is named. */
export function imageNotFound(
  place: string,
  reference: string | undefined,
  found: readonly string[],
): RootfsError<"IMAGE_NOT_FOUND"> {
  const offered = [...new Set(found)].slice(0, maxOffered).map((name) => printable(name, 300));
  const more = found.length > offered.length ? " and others" : "";
  const has = offered.length === 0 ? "it has no image" : `it has ${offered.join(", ")}${more}`;
  const shown = printable(reference ?? "", 300);
  const what = reference === undefined ? "one of its images has to be named" : `there is no ${JSON.stringify(shown)}`;
  return new RootfsError("IMAGE_NOT_FOUND", `cannot use ${place}: ${what}; ${has}`, { reference: shown, offered });
}

/** The name with all that may be left out of it; what is no image reference stays. */
export function fullNameOf(name: string): string {
  try {
    const reference = parseImageRef(name);
    const wanted = wantedOf(reference);
    return formatName(canonicalName(reference), wanted);
  } catch {
    return name;
  }
}
