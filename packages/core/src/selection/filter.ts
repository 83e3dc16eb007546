import { isRepositoryPath, isTag, type Tag } from "@tranship/registry";
import { MirrorError } from "../errors.ts";
import { compareText } from "../layout/index-file.ts";

/** What is asked of one name: the versions its release channels point at, or exact tags. */
export type Wanted = { readonly kind: "channels" } | { readonly kind: "pins"; readonly tags: readonly Tag[] };

/** Which names of a catalog are wanted, and what of each. */
export interface Filter {
  /** The names asked for, sorted; `undefined` when everything in the catalog is. */
  readonly names: readonly string[] | undefined;
  /** What is asked of `name`, or `undefined` when it is not wanted. */
  wanted(name: string): Wanted | undefined;
}

/**
 * Reads include expressions: `name` for what the release channels of it point at, `name@=tag` for one exact tag; a name
 * may come several times. No expression means the channels of everything.
 * @throws MirrorError `SELECTION_INVALID`
 */
export function parseFilter(expressions: readonly string[]): Filter {
  if (expressions.length === 0) return { names: undefined, wanted: () => ({ kind: "channels" }) };
  const pins = new Map<string, Set<Tag>>();
  for (const expression of expressions) {
    const { name, tag } = parseExpression(expression);
    const tags = pins.get(name) ?? new Set();
    pins.set(name, tags);
    if (tag !== undefined) tags.add(tag);
  }
  return {
    names: [...pins.keys()].sort(compareText),
    wanted(name) {
      const tags = pins.get(name);
      if (!tags) return undefined;
      return tags.size === 0 ? { kind: "channels" } : { kind: "pins", tags: [...tags].sort(compareText) };
    },
  };
}

function parseExpression(expression: string): { readonly name: string; readonly tag: Tag | undefined } {
  const refuse = (reason: string, hint?: string) => {
    const message = `cannot read ${JSON.stringify(expression)}: ${reason}${hint === undefined ? "" : `; ${hint}`}`;
    return new MirrorError("SELECTION_INVALID", message, { expression, ...(hint === undefined ? {} : { hint }) });
  };
  const at = expression.indexOf("@");
  const name = (at < 0 ? expression : expression.slice(0, at)).trim();
  if (name === "") throw refuse("it has no name");
  if (name.includes("/") || !isRepositoryPath(name)) throw refuse(`${JSON.stringify(name)} is not a name`);
  if (at < 0) return { name, tag: undefined };
  const constraint = expression.slice(at + 1).trim();
  if (constraint === "") throw refuse("nothing follows the @", `quote it in the shell: "${name}@=v1.2.3"`);
  const example = `write ${name}@=TAG with the tag as the registry has it, such as ${name}@=v1.2.3`;
  if (!constraint.startsWith("=")) throw refuse("only an exact tag may follow the @", example);
  const tag = constraint.slice(1).trim();
  if (!isTag(tag)) throw refuse(`${JSON.stringify(tag)} is not a tag`, example);
  return { name, tag };
}
