import { type Glob, parseGlob } from "./glob.ts";

/** Says which files of a chart are left out. `path` is below the chart, with `/` between its parts. */
export type IsIgnored = (path: string, isFolder: boolean) => boolean;

interface Rule {
  readonly matches: Glob;
  readonly isNegated: boolean;
  readonly needsFolder: boolean;
}

/**
 * The rules of a `.helmignore`, with the one that always holds: hidden files in `templates/` are left out. As Helm has it,
 * a rule that begins with `!` leaves out all that it does **not** match; the first rule that leaves something out decides.
 * @throws SyntaxError for a pattern that is none, and for `**`
 * @see Helm documentation, "The .helmignore file"
 */
export function parseHelmIgnore(text: string): IsIgnored {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const rules = [...lines, "templates/.?*"].map(parseRule).filter((rule) => rule !== undefined);
  return (path, isFolder) =>
    rules.some(({ matches, isNegated, needsFolder }) => {
      const isMatch = matches(path) && (isFolder || !needsFolder);
      return isMatch !== isNegated;
    });
}

function parseRule(line: string): Rule | undefined {
  const rule = line.trim();
  if (rule === "" || rule.startsWith("#")) return undefined;
  if (rule.includes("**")) throw new SyntaxError(`${JSON.stringify(rule)}: ** is not supported`);
  const isNegated = rule.startsWith("!");
  const positive = isNegated ? rule.slice(1) : rule;
  const needsFolder = positive.endsWith("/");
  const pattern = needsFolder ? positive.slice(0, -1) : positive;
  const glob = parseGlob(pattern.startsWith("/") ? pattern.slice(1) : pattern);
  if (glob === undefined) throw new SyntaxError(`${JSON.stringify(rule)} is no pattern`);
  // Without a slash it is about names, wherever they are.
  const matches: Glob = pattern.includes("/") ? glob : (path) => glob(path.slice(path.lastIndexOf("/") + 1));
  return { matches, isNegated, needsFolder };
}
