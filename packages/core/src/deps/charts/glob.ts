/** Whether a whole path matches. */
export type Glob = (path: string) => boolean;

/** What one place of a pattern takes: a run of characters, or a single one. */
type Token = "run" | ((character: string) => boolean);

/**
 * A pattern of shells, as Helm reads them: `*` and `?` stand for characters other than `/`, `[a-c]` and `[^a-c]` for one
 * of a set, a backslash takes the next character as it is. `undefined` when it is none.
 * @see Go, package `path/filepath`, "Match"
 */
export function parseGlob(pattern: string): Glob | undefined {
  const tokens: Token[] = [];
  const characters = [...pattern];
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] as string;
    if (character === "*") {
      if (tokens.at(-1) !== "run") tokens.push("run");
    } else if (character === "?") tokens.push((other) => other !== "/");
    else if (character === "[") {
      const set = parseSet(characters, at + 1);
      if (set === undefined) return undefined;
      tokens.push(set.matches);
      at = set.end;
    } else {
      if (character === "\\") at += 1;
      const literal = characters[at];
      if (literal === undefined) return undefined; // nothing after the backslash
      tokens.push((other) => other === literal);
    }
  }
  return (path) => matches(tokens, [...path]);
}

/** Steps back to the last run only: what came before it matched as early as it could. */
function matches(tokens: readonly Token[], characters: readonly string[]): boolean {
  let at = 0;
  let token = 0;
  let run: { readonly token: number; at: number } | undefined;
  while (at < characters.length) {
    const next = tokens[token];
    if (next === "run") {
      run = { token, at };
      token += 1;
    } else if (next?.(characters[at] as string)) {
      at += 1;
      token += 1;
    } else {
      if (run === undefined || characters[run.at] === "/") return false;
      run.at += 1;
      at = run.at;
      token = run.token + 1;
    }
  }
  return tokens.slice(token).every((rest) => rest === "run");
}

function parseSet(
  characters: readonly string[],
  start: number,
): { readonly matches: (character: string) => boolean; readonly end: number } | undefined {
  const isNegated = characters[start] === "^";
  const ranges: (readonly [number, number])[] = [];
  let at = isNegated ? start + 1 : start;
  const one = (): number | undefined => {
    let character = characters[at];
    if (character === undefined || character === "-" || character === "]") return undefined;
    if (character === "\\") {
      at += 1;
      character = characters[at];
    }
    at += 1;
    return character?.codePointAt(0);
  };
  while (characters[at] !== "]" || ranges.length === 0) {
    const low = one();
    if (low === undefined) return undefined;
    let high: number | undefined = low;
    if (characters[at] === "-") {
      at += 1;
      high = one();
    }
    if (high === undefined) return undefined;
    ranges.push([low, high]);
  }
  const isIn = (point: number) => ranges.some(([low, high]) => low <= point && point <= high);
  return { matches: (character) => isIn(character.codePointAt(0) as number) !== isNegated, end: at };
}
