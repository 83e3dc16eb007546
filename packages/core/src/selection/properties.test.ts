import fc from "fast-check";
import { SemVer } from "semver";
import { expect, test } from "vitest";
import { type Constraint, isConstraint, parseConstraint } from "./constraint.ts";
import { probeVersions } from "./probe.ts";
import { explainVersions, selectVersions } from "./select-versions.ts";
import { versionOfTag } from "./version.ts";

const small = fc.integer({ min: 0, max: 4 });
const core = fc.tuple(small, small, small).map((numbers) => numbers.join("."));
const version = fc.tuple(core, fc.constantFrom("", "", "", "-rc.1", "-rc.2", "-alpha")).map((parts) => parts.join(""));
const versionTag = fc.tuple(fc.constantFrom("v", "v", "v", ""), version).map((parts) => parts.join(""));
const tag = fc.oneof(
  { weight: 8, arbitrary: versionTag },
  { weight: 1, arbitrary: fc.constantFrom("stable", "v1.2", "dev", "sha256-ab.att") },
);
const tags = fc.uniqueArray(tag, { maxLength: 40 });

const partial = fc.oneof(
  version,
  version,
  fc.tuple(small, small).map((numbers) => numbers.join(".")),
  small.map(String),
);
const comparator = fc
  .tuple(fc.constantFrom(">=", "<=", ">", "<", "~", "^", "!="), partial)
  .map((parts) => parts.join(""));
const alternative = fc.array(comparator, { minLength: 1, maxLength: 3 }).map((all) => all.join(" "));
const range = fc
  .array(alternative, { minLength: 1, maxLength: 2 })
  .map((all) => all.join(" || "))
  .filter((text) => !text.startsWith("!="));
const expression = fc.oneof(
  { weight: 5, arbitrary: range },
  version,
  versionTag.map((one) => `=${one}`),
);

function constraint(text: string): Constraint {
  const parsed = parseConstraint(text);
  if (!isConstraint(parsed)) throw new Error(`${text}: ${parsed.reason}`);
  return parsed;
}

/** The exact tags among what is asked for. */
const exactOf = (constraints: readonly Constraint[]) =>
  constraints.flatMap((one) => (one.kind === "exact" ? one.tag : []));

/** What a range selects, one tag after another judged by itself. */
function judgedAlone(one: Constraint, all: readonly string[]): readonly string[] {
  if (one.kind === "exact") return [one.tag];
  const included = all.flatMap((text) => versionOfTag(text) ?? []).filter((each) => one.range.includes(each.version));
  return included
    .filter(({ tag: text, version: own }) => {
      const sameLine = included.filter(
        (other) => other.version.major === own.major && other.version.minor === own.minor,
      );
      const twins = sameLine.filter((other) => other.version.compare(own) === 0).map((other) => other.tag);
      const isNewest = (others: typeof sameLine) => others.every((other) => other.version.compare(own) <= 0);
      const isStable = own.prerelease.length === 0;
      const stable = sameLine.filter((other) => other.version.prerelease.length === 0);
      const isBound = one.range.anchors.some((anchor) => anchor.compare(own) === 0);
      return twins.sort().at(-1) === text && (isNewest(isStable ? stable : sameLine) || isBound);
    })
    .map((each) => each.tag);
}

test("the tags selected are those that each constraint selects, and no tag that is neither listed nor asked for", () => {
  fc.assert(
    fc.property(fc.array(expression, { maxLength: 3 }), tags, (texts, all) => {
      const constraints = texts.map(constraint);
      const selected = selectVersions(constraints, all);
      const expected = new Set(constraints.flatMap((one) => judgedAlone(one, all)));
      expect([...selected].sort()).toEqual([...expected].sort());
      const known = new Set([...all, ...exactOf(constraints)]);
      expect(selected.filter((one) => !known.has(one))).toEqual([]);
    }),
  );
});

test("a bound that exists stays selected, however the range is widened", () => {
  fc.assert(
    fc.property(core, range, tags, (bound, more, all) => {
      const published = [...all, `v${bound}`];
      for (const text of [`>=${bound}`, `<=${bound}`, `>=${bound} || ${more}`, `${more} || <=${bound}`])
        expect(selectVersions([constraint(text)], published)).toContain(`v${bound}`);
    }),
  );
});

test("neither the order of tags, nor that of constraints, nor saying one twice makes a difference", () => {
  fc.assert(
    fc.property(fc.array(expression, { minLength: 1, maxLength: 3 }), tags, (texts, all) => {
      const expected = explainVersions(texts.map(constraint), all);
      const reversed = [...texts, ...texts].reverse().map(constraint);
      expect(explainVersions(reversed, [...all, ...all].reverse())).toEqual(expected);
    }),
  );
});

test("every tag is explained once, and those said to be selected are the selection, newest version first", () => {
  fc.assert(
    fc.property(fc.array(expression, { maxLength: 3 }), tags, (texts, all) => {
      const constraints = texts.map(constraint);
      const verdicts = explainVersions(constraints, all);
      const explained = verdicts.map((one) => one.tag);
      expect([...explained].sort()).toEqual([...new Set([...all, ...exactOf(constraints)])].sort());
      expect(verdicts.flatMap((one) => (one.isSelected ? one.tag : []))).toEqual(selectVersions(constraints, all));
      const versions = verdicts.flatMap((one) => (all.includes(one.tag) ? (versionOfTag(one.tag) ?? []) : []));
      expect(versions).toEqual([...versions].sort((a, b) => b.version.compare(a.version)));
    }),
  );
});

test("what is found by asking is there, is in the range, and no version is asked for twice or in vain", async () => {
  await fc.assert(
    fc.asyncProperty(range, fc.uniqueArray(core, { maxLength: 40 }), async (text, published) => {
      const one = constraint(text);
      if (one.kind !== "range") return;
      const asked: string[] = [];
      const found = await probeVersions(one.range, async (each) => {
        asked.push(each);
        return published.includes(each.slice(1));
      });
      expect(new Set(asked).size).toBe(asked.length);
      expect(asked.filter((each) => !one.range.includes(new SemVer(each)))).toEqual([]);
      expect(found).toEqual(asked.filter((each) => published.includes(each.slice(1))));
    }),
  );
});

test.for([
  { name: "blanks", text: `=a${" ".repeat(100_000)}b` },
  { name: "comparisons", text: `${">=".repeat(50_000)}!` },
  { name: "alternatives", text: `>=1.0.0${"||".repeat(50_000)}` },
  { name: "exclusions", text: `>=1.0.0 ${"!=1.0.0 ".repeat(20_000)}?` },
  { name: "dashes", text: `1.0.0${" -".repeat(50_000)}` },
  { name: "digits", text: "1".repeat(100_000) },
])("an endless row of $name is refused, and not gone through", ({ text }) => {
  const parsed = parseConstraint(text);
  expect(isConstraint(parsed) ? "read" : parsed.reason).toContain("longer than 4096");
});

test("any text is a constraint or has a fault that can be told", () => {
  const letters = fc.constantFrom(..."><=!~^|v0123.-+xX*@ ,a");
  fc.assert(
    fc.property(fc.string({ unit: letters, maxLength: 60 }), (text) => {
      const parsed = parseConstraint(text);
      if (!isConstraint(parsed)) expect(parsed.reason).not.toBe("");
      else if (parsed.kind === "range") expect(parsed.range.starts.length).toBeGreaterThan(0);
    }),
  );
});
