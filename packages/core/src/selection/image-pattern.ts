import { runInNewContext } from "node:vm";
import type { Tag } from "@tranship/registry";

/** Picks texts out of a list. */
export interface Pattern {
  /** Those of `tags` that fit. @throws SlowPatternError */
  pick(tags: readonly Tag[]): ReadonlySet<Tag>;
}

/** A pattern that came to no end in the time it has. */
export class SlowPatternError extends Error {
  override readonly name = "SlowPatternError";
}

/** Longer patterns are not read, in characters. */
const maxLength = 512;

/** So long a regular expression may take for all tags of a repository together, in milliseconds. */
const regexTimeoutMs = 5000;

/** Tags that are written to do harm are long: no registry may have such ones. @see distribution-spec v1.1.1, "Pulling manifests" */
const maxTagLength = 128;

/**
 * A regular expression of JavaScript, without flags; it may fit anywhere in a tag unless it says `^` and `$`. `undefined`
 * when it is none, or is longer than 512 characters.
 *
 * Which tags there are is up to the registry, and some expressions take time without end over some texts: tags longer than
 * a tag may be do not fit, and all of a repository together get five seconds, after which the engine is stopped.
 */
export function regexPattern(source: string, timeoutMs: number = regexTimeoutMs): Pattern | undefined {
  if (source.length > maxLength || !isRegex(source)) return undefined;
  return {
    pick(all) {
      const tags = all.filter((tag) => tag.length <= maxTagLength);
      try {
        // Of all ways to run an expression, this one can be stopped. It is the user's own: nothing has to be kept from it.
        const picked: unknown = runInNewContext(
          "const regex = new RegExp(source); JSON.stringify(JSON.parse(tags).map((tag) => regex.test(tag)))",
          { source, tags: JSON.stringify(tags) },
          { timeout: timeoutMs },
        );
        const fits = JSON.parse(String(picked)) as readonly boolean[];
        return new Set(tags.filter((_, at) => fits[at]));
      } catch (cause) {
        if ((cause as { readonly code?: unknown }).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw cause;
        throw new SlowPatternError(`/${source}/ takes more than ${timeoutMs} ms for ${tags.length} tags`, { cause });
      }
    },
  };
}

/** A pattern for whole tags in which `*` stands for any characters, none too, and `?` for one. `undefined` when it is none. */
export function globPattern(glob: string): Pattern | undefined {
  if (glob.length > maxLength || !/^[A-Za-z0-9_.*?-]+$/.test(glob)) return undefined;
  return { pick: (tags) => new Set(tags.filter((tag) => tag.length <= maxTagLength && fitsGlob(tag, glob))) };
}

/** Goes back to the last `*` only, so that time is bounded by the product of both lengths. */
function fitsGlob(text: string, glob: string): boolean {
  let [at, place] = [0, 0];
  let star = -1;
  let behindStar = 0;
  while (at < text.length) {
    if (glob[place] === "*") {
      star = place;
      behindStar = at;
      place += 1;
    } else if (glob[place] === "?" || glob[place] === text[at]) {
      at += 1;
      place += 1;
    } else if (star >= 0) {
      behindStar += 1;
      at = behindStar;
      place = star + 1;
    } else return false;
  }
  while (glob[place] === "*") place += 1;
  return place === glob.length;
}

function isRegex(source: string): boolean {
  try {
    return source !== "" && new RegExp(source) instanceof RegExp;
  } catch {
    return false;
  }
}
