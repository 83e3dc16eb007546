import { SemVer } from "semver";

/** A range of versions, such as `>=1.3.0 <2` or `~1.3 || ~1.5`. */
export interface VersionRange {
  /** What was written. */
  readonly text: string;
  /** Versions written after `>=` or `<=`: named on purpose, so they are kept where they exist. */
  readonly anchors: readonly SemVer[];
  /** Where a search upwards begins: the lowest version of each alternative, or of each major line below its upper bound. */
  readonly starts: readonly SemVer[];
  /** Whether `version` is in the range. A prerelease only is when the same alternative names one. */
  includes(version: SemVer): boolean;
  /** Whether a part of the range names a prerelease. */
  readonly admitsPrereleases: boolean;
}

type Operator = "=" | "!=" | ">" | "<" | ">=" | "<=" | "~" | "^";

/** One comparison. Numbers that were left out, or written as `x`, are zero in `version`. */
interface Comparator {
  readonly operator: Operator;
  readonly version: SemVer;
  /** How many of the three numbers were given. */
  readonly given: 0 | 1 | 2 | 3;
}

const operators: Readonly<Record<string, Operator>> = {
  "": "=",
  "=": "=",
  "!=": "!=",
  ">": ">",
  "<": "<",
  ">=": ">=",
  "=>": ">=",
  "<=": "<=",
  "=<": "<=",
  "~": "~",
  "~>": "~",
  "^": "^",
};

const part = "(?:[0-9]{1,15}|[xX*])";
const comparatorPattern = new RegExp(
  `(!=|>=|=>|<=|=<|~>|=|>|<|~|\\^|)\\s*v?(${part})(?:\\.(${part}))?(?:\\.(${part}))?` +
    "(-[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?(?:\\+[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?(?=$|[\\s,])[\\s,]*",
  "y",
);

/**
 * Reads a range: comparisons joined by spaces or commas (all must hold), alternatives joined by `||`. Numbers may be
 * left out or written `x`, but not behind `>=` and `<=`, which name a version exactly.
 *
 * Partial versions mean whole lines: `>1.3` starts after all of 1.3, `<=1.3` ends with it, `~1` is all of 1. `^0.4` is
 * the 0.4 line. Gives `undefined` for what is no range.
 */
export function parseVersionRange(text: string): VersionRange | undefined {
  const alternatives: (readonly Comparator[])[] = [];
  for (const alternative of text.split("||")) {
    const comparators = parseComparators(alternative.trim());
    if (!comparators) return undefined;
    alternatives.push(comparators);
  }
  const named = alternatives.flat().filter(({ operator }) => operator === ">=" || operator === "<=");
  return {
    text,
    anchors: named.map(({ version }) => version),
    starts: alternatives.flatMap(startsOf),
    includes: (version) => alternatives.some((comparators) => holdsAll(comparators, version)),
    admitsPrereleases: alternatives.some(namesPrerelease),
  };
}

/** The line a bare version stands for: from it up to the next major, 0 included; no version of it is an anchor. */
export function versionLine(text: string): VersionRange | undefined {
  const [only, ...more] = parseComparators(text) ?? [];
  if (!only || more.length > 0 || only.operator !== "=" || !/^v?[0-9]/.test(text) || /[xX*]/.test(core(text)))
    return undefined;
  const from: Comparator = { ...only, operator: ">=", given: 3 };
  const below: Comparator = { operator: "<", version: new SemVer(`${only.version.major + 1}.0.0`), given: 3 };
  return {
    text,
    anchors: [],
    starts: startsOf([from]),
    includes: (version) => holdsAll([from, below], version),
    admitsPrereleases: namesPrerelease([from]),
  };
}

/** The numbers of a version's text: what is before a prerelease or build metadata. */
function core(text: string): string {
  return text.replace(/[-+].*$/s, "");
}

function parseComparators(text: string): readonly Comparator[] | undefined {
  if (text === "") return undefined;
  const comparators: Comparator[] = [];
  comparatorPattern.lastIndex = 0;
  while (comparatorPattern.lastIndex < text.length) {
    const match = comparatorPattern.exec(text);
    const comparator = match ? comparatorOf(match) : undefined;
    if (!comparator) return undefined;
    comparators.push(comparator);
  }
  return comparators;
}

function comparatorOf(match: RegExpExecArray): Comparator | undefined {
  const [, written = "", ...rest] = match;
  const operator = operators[written];
  const numbers = rest.slice(0, 3);
  const given = numbers.findIndex((number) => number === undefined || /[xX*]/.test(number));
  const isPartial = given >= 0;
  const isNamed = operator === ">=" || operator === "<=";
  if (operator === undefined || (isNamed && numbers.some((number) => number !== undefined && /[xX*]/.test(number))))
    return undefined;
  const prerelease = rest[3] ?? "";
  if (isPartial && prerelease !== "") return undefined;
  const known = numbers.map((number, at) => (isPartial && at >= given ? 0 : Number(number)));
  try {
    const version = new SemVer(`${known.join(".")}${prerelease}`);
    return { operator, version, given: (isPartial ? given : 3) as Comparator["given"] };
  } catch {
    return undefined;
  }
}

function namesPrerelease(comparators: readonly Comparator[]): boolean {
  return comparators.some(({ version }) => version.prerelease.length > 0);
}

function holdsAll(comparators: readonly Comparator[], version: SemVer): boolean {
  if (version.prerelease.length > 0 && !namesPrerelease(comparators)) return false;
  return comparators.every((comparator) => holds(comparator, version));
}

function holds({ operator, version: bound, given }: Comparator, version: SemVer): boolean {
  switch (operator) {
    case "=":
      return isInLine(version, bound, given) && (given < 3 || version.compare(bound) === 0);
    case "!=":
      return given < 3 ? !isInLine(version, bound, given) : version.compare(bound) !== 0;
    case ">":
      return version.compare(bound) > 0 && (given === 3 || !isInLine(version, bound, given));
    case "<":
      return version.compare(bound) < 0;
    case ">=":
      return version.compare(bound) >= 0;
    case "<=":
      return version.compare(bound) <= 0 || (given < 3 && isInLine(version, bound, given));
    case "~":
      return version.compare(bound) >= 0 && isInLine(version, bound, given === 3 ? 2 : given);
    case "^":
      return version.compare(bound) >= 0 && isInLine(version, bound, caretWidth(bound, given));
  }
}

/** Whether the first `width` numbers of a version are those of `line`. */
function isInLine(version: SemVer, line: SemVer, width: number): boolean {
  if (width >= 1 && version.major !== line.major) return false;
  if (width >= 2 && version.minor !== line.minor) return false;
  return width < 3 || version.patch === line.patch;
}

/** How many numbers a caret keeps: up to the first that is not zero, but no more than were given. */
function caretWidth({ major, minor }: SemVer, given: number): number {
  const width = major > 0 ? 1 : minor > 0 ? 2 : 3;
  return Math.min(width, given);
}

/** More major lines than this below an upper bound are not searched one by one: the newest are. */
const maxMajorLines = 20;

function startsOf(comparators: readonly Comparator[]): readonly SemVer[] {
  const lowest = comparators.flatMap((comparator) => lowestOf(comparator) ?? []);
  const start = lowest.sort((a, b) => b.compare(a))[0];
  if (start) return [start];
  const below = comparators.filter(({ operator }) => operator === "<" || operator === "<=");
  const last = Math.min(...below.map(({ version }) => version.major));
  if (!Number.isFinite(last)) return [new SemVer("0.0.0")];
  const first = Math.max(0, last - maxMajorLines + 1);
  return Array.from({ length: last - first + 1 }, (_, at) => new SemVer(`${first + at}.0.0`));
}

/** The lowest stable version a comparison lets through, where it has a lower end. */
function lowestOf({ operator, version: { major, minor, patch }, given }: Comparator): SemVer | undefined {
  if (operator === "!=" || operator === "<" || operator === "<=") return undefined;
  if (operator !== ">") return new SemVer(`${major}.${minor}.${patch}`);
  const next = [`0.0.0`, `${major + 1}.0.0`, `${major}.${minor + 1}.0`, `${major}.${minor}.${patch + 1}`][given];
  return next === undefined ? undefined : new SemVer(next);
}
