import { DepsError } from "./errors.ts";

/**
 * What an item is for, by axis: `arch`, `provider`, `addon`, `kind`, `os`, or whatever a user makes one of. Without an axis
 * an item is for all of it; with an empty list it is for nothing that can be named.
 */
export type Selectors = Readonly<Record<string, readonly string[]>>;

/** What is wanted on one axis. */
export interface AxisChoice {
  /** The values that are wanted, in lower case; `all` for whatever there is. */
  readonly values: readonly string[] | "all";
  /** Whether items that say nothing of the axis are left out. @defaultValue `false`: they are for everyone */
  readonly dropUnlabelled?: boolean | undefined;
}

/** What is wanted, by axis. On an axis that is not in it, everything is. */
export type Selection = Readonly<Record<string, AxisChoice>>;

const axisPattern = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/;

const maxNames = 10_000;

/**
 * The names in lists with commas between them: without blanks around them, in lower case, each once, in their order. Empty
 * ones are left out.
 */
export function parseNames(lists: string | readonly string[]): readonly string[] {
  const texts = typeof lists === "string" ? [lists] : lists;
  const names = texts.flatMap((text) => text.split(",")).map((name) => name.trim().toLowerCase());
  return [...new Set(names.filter((name) => name !== ""))];
}

/** What is wanted of an axis by lists that {@link parseNames} reads. `all` among the names wants everything. */
export function chooseNames(lists: string | readonly string[], options: Omit<AxisChoice, "values"> = {}): AxisChoice {
  const names = parseNames(lists);
  return { ...options, values: names.includes("all") ? "all" : names };
}

/**
 * Reads expressions such as `arch=amd64,arm64`. An axis may be named in several: their values add up.
 * @throws DepsError `SELECTION_INVALID`
 */
export function parseSelection(expressions: readonly string[]): Selection {
  const lists = new Map<string, string[]>();
  for (const expression of expressions) {
    const equals = expression.indexOf("=");
    const axis = expression.slice(0, Math.max(equals, 0)).trim();
    const names = equals < 0 ? [] : parseNames(expression.slice(equals + 1));
    if (!axisPattern.test(axis)) throw invalid(expression, "write axis=value, such as arch=amd64");
    if (names.length === 0) throw invalid(expression, "it names no value");
    if (names.length > maxNames) throw invalid(expression, `it names over ${maxNames} values`);
    lists.set(axis, [...(lists.get(axis) ?? []), ...names]);
  }
  return Object.fromEntries([...lists].map(([axis, names]) => [axis, chooseNames(names)]));
}

/** Whether an item is wanted: on each axis of the selection one of its values is. Case does not matter. */
export function isSelected(selectors: Selectors, selection: Selection): boolean {
  return Object.entries(selection).every(([axis, { values, dropUnlabelled = false }]) => {
    const own = Object.hasOwn(selectors, axis) ? selectors[axis] : undefined;
    if (values === "all") return true;
    if (own === undefined) return !dropUnlabelled;
    return own.some((value) => values.includes(value.toLowerCase()));
  });
}

/** What content is for that two items share: on every axis what either is for, and everything where one says nothing. */
export function joinSelectors(one: Selectors, other: Selectors): Selectors {
  const shared = Object.keys(one).filter((axis) => Object.hasOwn(other, axis));
  return Object.fromEntries(
    shared.map((axis) => [axis, [...new Set([...(one[axis] ?? []), ...(other[axis] ?? [])])]] as const),
  );
}

function invalid(expression: string, reason: string): DepsError<"SELECTION_INVALID"> {
  const text = expression.slice(0, 200);
  const message = `cannot read ${JSON.stringify(text)} as a choice: ${reason}`;
  return new DepsError("SELECTION_INVALID", message, { expression: text, reason });
}
