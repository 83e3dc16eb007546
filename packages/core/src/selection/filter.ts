import { isRepositoryPath } from "@tranship/registry";
import { MirrorError } from "../errors.ts";
import { compareText } from "../layout/index-file.ts";
import { type Constraint, isConstraint, parseConstraint } from "./constraint.ts";

/** What is asked of one name of a catalog. */
export interface Wanted {
  /** Whether its release channels are, with the versions they point at: always, unless only exact tags are asked for. */
  readonly channels: boolean;
  /** The versions asked for besides; tags as the registry has them. */
  readonly constraints: readonly Constraint[];
}

/** Which names of a catalog are wanted, and what of each. */
export interface Filter {
  /** The names asked for, sorted; `undefined` when everything in the catalog is, but for what is excluded. */
  readonly names: readonly string[] | undefined;
  /** The names left out, sorted. */
  readonly excluded: readonly string[];
  /** What is asked of `name`, or `undefined` when it is not wanted. */
  wanted(name: string): Wanted | undefined;
}

/** What a {@link Filter} is made from. */
export interface FilterExpressions {
  /** `name` for what the release channels of it point at; `name@=tag`, `name@range`: see {@link parseConstraint}. */
  readonly include?: readonly string[] | undefined;
  /** Names to leave out. */
  readonly exclude?: readonly string[] | undefined;
}

const channelsOnly: Wanted = { channels: true, constraints: [] };

/**
 * Reads what is wanted of a catalog. A name may be included several times: what is asked for adds up. Nothing included
 * means the channels of everything.
 * @throws MirrorError `SELECTION_INVALID` also when a name is both included and excluded, an exclusion has a constraint, or
 * one channel is to stand for two tags
 */
export function parseFilter({ include = [], exclude = [] }: FilterExpressions): Filter {
  const wanted = new Map<string, Constraint[]>();
  for (const expression of include) {
    const { name, constraint } = parseExpression(expression);
    const constraints = wanted.get(name) ?? [];
    wanted.set(name, constraints);
    if (constraint) {
      refuseSecondTag(expression, constraint, constraints);
      constraints.push(constraint);
    }
  }
  const excluded = new Set<string>();
  for (const expression of exclude) {
    const { name, constraint } = parseExpression(expression);
    if (constraint) throw refusal(expression, "what is excluded is excluded whole", `write ${name}`);
    if (wanted.has(name)) throw refusal(expression, `${name} is included, too`, "say one or the other");
    excluded.add(name);
  }
  return {
    names: include.length === 0 ? undefined : [...wanted.keys()].sort(compareText),
    excluded: [...excluded].sort(compareText),
    wanted(name) {
      if (excluded.has(name)) return undefined;
      if (include.length === 0) return channelsOnly;
      const constraints = wanted.get(name);
      if (!constraints) return undefined;
      return { channels: constraints.length === 0 || constraints.some(({ kind }) => kind === "range"), constraints };
    },
  };
}

/** A channel stands for one tag; which one must not depend on the order in which they are given. */
function refuseSecondTag(expression: string, constraint: Constraint, before: readonly Constraint[]): void {
  if (constraint.kind !== "exact" || constraint.channel === undefined) return;
  const { tag, channel } = constraint;
  const other = before.find((one) => one.kind === "exact" && one.channel === channel && one.tag !== tag);
  if (other?.kind !== "exact") return;
  throw refusal(expression, `${channel} cannot stand for both ${other.tag} and ${tag}`, "give one of them the channel");
}

function parseExpression(expression: string): { readonly name: string; readonly constraint?: Constraint | undefined } {
  const at = expression.indexOf("@");
  const name = (at < 0 ? expression : expression.slice(0, at)).trim();
  if (name === "") throw refusal(expression, "it has no name");
  if (name.includes("/") || !isRepositoryPath(name)) throw refusal(expression, `${JSON.stringify(name)} is not a name`);
  if (at < 0) return { name };
  const constraint = parseConstraint(expression.slice(at + 1));
  if (isConstraint(constraint)) return { name, constraint };
  throw refusal(expression, constraint.reason, constraint.hint?.replace(/^write (?=[=<>~^])/, `write ${name}@`));
}

/** Why an expression cannot be read, as an error. */
export function refusal(expression: string, reason: string, hint?: string): MirrorError<"SELECTION_INVALID"> {
  const shown = JSON.stringify(expression.slice(0, 200));
  const message = `cannot read ${shown}: ${reason}${hint === undefined ? "" : `; ${hint}`}`;
  return new MirrorError("SELECTION_INVALID", message, { expression, ...(hint === undefined ? {} : { hint }) });
}
