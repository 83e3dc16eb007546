import { fieldsOf, quoted, type TreeRecord } from "./tree-record.ts";

/** A description of a tree with the name of who gave it. */
export interface NamedTree {
  readonly name: string;
  readonly records: readonly TreeRecord[];
}

/** One field of one path that two trees disagree on; a path that one lacks differs in its field `path`. */
export interface Difference {
  /** As `quoted` writes it. */
  readonly path: string;
  readonly field: string;
  readonly left: string;
  readonly right: string;
}

/** Stands in an exception for a time of the last day: what the right side's clock said when it made the tree. */
export const clockTime = "the time of its making";

/** A difference that is known and explained. It excepts exactly what it names. */
export interface Exception extends Difference {
  /** Who is right and by what. */
  readonly because: string;
}

/** Every difference of two trees, in the order of their paths; times may be `toleranceNs` nanoseconds apart. */
export function differences(
  left: readonly TreeRecord[],
  right: readonly TreeRecord[],
  toleranceNs = 0,
): readonly Difference[] {
  const rights = new Map(right.map((record) => [record.path, record]));
  const lefts = new Set(left.map(({ path }) => path));
  const found: { path: string; difference: Difference }[] = [];
  const add = (path: string, field: string, ours: string, theirs: string) => {
    found.push({ path, difference: { path: quoted(path), field, left: ours, right: theirs } });
  };
  for (const record of left) {
    const other = rights.get(record.path);
    if (!other) {
      add(record.path, "path", record.type, "absent");
      continue;
    }
    const isSoon = Math.abs(Number(record.mtime - other.mtime)) <= toleranceNs;
    const [here, there] = [fieldsOf(record), fieldsOf(isSoon ? { ...other, mtime: record.mtime } : other)];
    for (const field of new Set([...here.keys(), ...there.keys()])) {
      const [one, two] = [here.get(field) ?? "none", there.get(field) ?? "none"];
      if (one !== two) add(record.path, field, one, two);
    }
  }
  for (const record of right) if (!lefts.has(record.path)) add(record.path, "path", "absent", record.type);
  return found.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)).map(({ difference }) => difference);
}

/** What one comparison came to. */
export interface Comparison {
  readonly left: string;
  readonly right: string;
  /** Paths of the left tree. */
  readonly paths: number;
  /** Differences nobody explained, and exceptions that did not show. */
  readonly wrong: readonly string[];
  readonly excepted: number;
}

/** Options of {@link compareTrees}. */
export interface CompareOptions {
  readonly exceptions?: readonly Exception[] | undefined;
  /** How far apart times may be, in nanoseconds. @defaultValue 0 */
  readonly toleranceNs?: number | undefined;
}

/** Compares two trees. An exception that does not show is as wrong as a difference without one. */
export function compareTrees(
  left: NamedTree,
  right: NamedTree,
  { exceptions = [], toleranceNs = 0 }: CompareOptions = {},
): Comparison {
  const found = differences(left.records, right.records, toleranceNs);
  const unused = new Map(exceptions.map((one) => [keyOf(one), one]));
  const unexplained = found.filter(
    (one) => !unused.delete(keyOf(one)) && !(isRecent(one) && unused.delete(keyOf({ ...one, right: clockTime }))),
  );
  return {
    left: left.name,
    right: right.name,
    paths: left.records.length,
    wrong: [
      ...unexplained.map(
        (one) => `${one.path}: ${one.field}: ${one.left} in ${left.name}, ${one.right} in ${right.name}`,
      ),
      ...[...unused.values()].map((one) => `${one.path}: ${one.field}: the exception (${one.because}) did not show`),
    ],
    excepted: found.length - unexplained.length,
  };
}

/** A comparison for people, with its first 20 differences. */
export function comparisonText({ left, right, paths, wrong, excepted }: Comparison): string {
  const head = `${left} and ${right}: ${paths} paths, ${wrong.length} differences, ${excepted} excepted`;
  const more = wrong.length > 20 ? [`  … and ${wrong.length - 20} more`] : [];
  return [head, ...wrong.slice(0, 20).map((line) => `  ${line}`), ...more].join("\n");
}

function isRecent({ field, right }: Difference): boolean {
  return field === "mtime" && Math.abs(Date.now() / 1000 - Number(right)) < 24 * 60 * 60;
}

function keyOf({ path, field, left, right }: Difference): string {
  return [path, field, left, right].join("\u0000");
}
