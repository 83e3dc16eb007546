import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Makes sure that these documents prove what they say: every row of their tables names a test, as
 * `[file] "name"`, and the file has a test of that name, letter by letter (a table of tests by its template: `%s is %s`).
 */
const root = fileURLToPath(new URL("../..", import.meta.url));
const documents = [
  "docs/distribution-spec.md",
  "docs/reference-parity.md",
  "docs/guides/migrating.md",
  "docs/threat-model.md",
];

/** The first argument of a call, as it is written. */
const titlePattern = /(\w+)?\(\s*(["'`])((?:\\.|(?!\2)[^\\\n])*)\2\s*,/g;
const proofPattern = /\[([^\]]+)\]((?:,?\s*"[^"]+")+)/g;
const definitionPattern = /^\[([^\]]+)\]:\s*(\S+)$/gm;
/** Not the titles of tests that run. */
const otherCallees: readonly (string | undefined)[] = ["describe", "skip", "todo"];

interface Row {
  readonly line: number;
  readonly cells: readonly string[];
}

function check(document: string): void {
  const text = readFileSync(join(root, document), "utf8");
  const inFolder = (path: string) => posix.join(posix.dirname(document), path);
  const files = new Map(
    [...text.matchAll(definitionPattern)].map(([, label = "", path = ""]) => [label, inFolder(path)]),
  );
  const titles = new Map<string, ReadonlySet<string> | undefined>();
  const stale: string[] = [];
  const used = new Set<string>();
  let proofs = 0;
  const rows = rowsOf(text);
  for (const { line, cells } of rows) {
    const found = [...(cells.at(-1) ?? "").matchAll(proofPattern)];
    if (found.length === 0) stale.push(`line ${line}: no test is named: ${cells[0]}`);
    for (const [, label = "", names = ""] of found) {
      used.add(label);
      const path = files.get(label);
      if (path === undefined) {
        stale.push(`line ${line}: [${label}] is not defined`);
        continue;
      }
      if (!titles.has(path)) titles.set(path, titlesOf(path));
      for (const [, name = ""] of names.matchAll(/"([^"]+)"/g)) {
        proofs += 1;
        const known = titles.get(path);
        if (known === undefined) stale.push(`line ${line}: there is no file ${path}`);
        else if (!known.has(name)) stale.push(`line ${line}: ${path} has no test ${JSON.stringify(name)}`);
      }
    }
  }
  for (const label of files.keys()) if (!used.has(label)) stale.push(`[${label}] is defined and not used`);
  for (const problem of stale) console.error(`${document}: ${problem}`);
  console.log(`${document}: ${rows.length} rows, ${proofs} tests named in ${titles.size} files, ${stale.length} stale`);
  if (rows.length === 0) throw new Error("no row was found: the pattern or the document is broken");
  if (stale.length > 0) process.exitCode = 1;
}

/** The rows of tables whose last column is called `proof`. */
function rowsOf(text: string): readonly Row[] {
  const rows: Row[] = [];
  let isProofTable = false;
  for (const [at, line] of text.split("\n").entries()) {
    if (!line.startsWith("|")) {
      isProofTable = false;
      continue;
    }
    const cells = line
      .split(/(?<!\\)\|/)
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (cells.at(-1) === "proof") isProofTable = true;
    else if (isProofTable && !/^:?-+:?$/.test(cells[0] ?? "")) rows.push({ line: at + 1, cells });
  }
  return rows;
}

/** The names of a file's tests, as they are written; `undefined` when there is no such file. */
function titlesOf(path: string): ReadonlySet<string> | undefined {
  let source: string;
  try {
    source = readFileSync(join(root, path), "utf8");
  } catch {
    return undefined;
  }
  const titles = [...source.matchAll(titlePattern)].filter(([, callee]) => !otherCallees.includes(callee));
  return new Set(titles.map(([, , , title = ""]) => title.replace(/\\(.)/g, "$1")));
}

for (const document of documents) check(document);
