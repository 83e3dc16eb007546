import { layoutNames } from "../../layout/walk-layouts.ts";
import { DepsError } from "../errors.ts";
import { requirePathSegments } from "../path-segment.ts";

/**
 * `text`, if it may be a repository's folder among others: a path below their root in which no layout's own file lies.
 * @throws DepsError `NAME_UNSAFE`
 */
export function requireRepository(text: string, what: string): string {
  const segments = requirePathSegments(text, what);
  const taken = segments.find((segment) => layoutNames.has(segment.toLowerCase()));
  if (taken === undefined) return text;
  const reason = `${taken} is a file or folder of every image layout`;
  const name = text.slice(0, 300);
  throw new DepsError("NAME_UNSAFE", `${JSON.stringify(name)} cannot be used as ${what}: ${reason}`, {
    what,
    name,
    reason,
  });
}
