import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { idleProgram } from "../support/idle-program.ts";

const root = join(import.meta.dirname, "../..");

const program = idleProgram();

const documents = ["README.md", "packages/cli/README.md", ...markdownIn("docs"), ...markdownIn("docs/guides")];

test.for(documents)("every command line in %s has a command and flags that there are", (file) => {
  const unknown = commandLines(readFileSync(join(root, file), "utf8")).flatMap((line) => {
    const [, name, ...words] = line.split(/\s+/);
    const command = program.commands.find((one) => one.name() === name);
    if (!command) return name?.startsWith("-") ? [] : [`${name}: ${line}`];
    const known = new Set(["--help", ...command.options.flatMap(({ long, short }) => [long, short])]);
    return words
      .filter((word) => /^--?[a-z]/.test(word) && !known.has(word.replace(/=.*/, "")))
      .map((flag) => `${flag}: ${line}`);
  });
  expect(unknown).toEqual([]);
});

test("the documents have command lines", () => {
  const all = documents.flatMap((file) => commandLines(readFileSync(join(root, file), "utf8")));
  expect(all.length).toBeGreaterThan(100);
});

/** The calls of `tranship` in a document's blocks of shell, without comments, strings and what follows a pipe. */
function commandLines(text: string): readonly string[] {
  const blocks = [...text.matchAll(/^```(?:sh|console|bash)\n([\s\S]*?)^```/gm)].map(([, block = ""]) => block);
  return blocks
    .flatMap((block) => block.replaceAll("\\\n", " ").split("\n"))
    .map((line) => line.replace(/^\$ /, "").replace(/^cd \S+ && /, ""))
    .filter((line) => /^tranship\s+\S/.test(line) && !/^tranship:/.test(line))
    .map((line) =>
      line
        .replace(/'[^']*'|"[^"]*"/g, "TEXT")
        .replace(/\s(?:#|[|<>]|&&|;).*$/, "")
        .trim(),
    );
}

function markdownIn(folder: string): readonly string[] {
  return readdirSync(join(root, folder)).flatMap((name) => (name.endsWith(".md") ? [`${folder}/${name}`] : []));
}
