import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runProgram } from "../../../../tests/support/run-program.ts";
import { commandWords } from "./command-words.ts";

const folder = mkdtempSync(join(tmpdir(), "tranship-completion-"));

/** What a shell offers for the last word of each line, in the folder of this test; one process answers all of them. */
type Complete = (lines: readonly string[]) => readonly (readonly string[])[];

/** Stands between what is offered for two lines. */
const next = "-- next --";

const shells: Readonly<Record<"bash" | "zsh" | "fish", Complete>> = {
  bash(lines) {
    const program = [
      "source ./script.bash",
      // = and : are words of their own there, as bash's line editor has it
      `for line; do IFS=' ' read -ra COMP_WORDS <<<"\${line//[=]/ = }"; [[ $line == *' ' || $line == *= ]] && COMP_WORDS+=('')`,
      `COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 )); _tranship; printf '%s\\n' "\${COMPREPLY[@]}" '${next}'; done`,
    ];
    return offers(run("bash", "--norc", "-c", program.join("\n"), "bash", ...lines));
  },
  // zsh completes in its line editor alone: one behind a terminal of zsh's own making notes what it is offered
  zsh(lines) {
    const inner = [
      "PS1= RPS1=; autoload -Uz compinit; compinit -u -D; source ./script.zsh; : > offered",
      'compadd() { local -a found; builtin compadd -O found "$@"; (( $#found )) && print -rl -- $found >> offered; builtin compadd "$@" }',
      `complete-it() { zle complete-word; print -r -- '${next}' >> offered; zle kill-buffer; print -r FINISHED }`,
      "zle -N complete-it; bindkey '^I' complete-it; print READ'Y'",
    ];
    const outer = [
      "zmodload zsh/zpty; zpty inner zsh -f -i",
      ...inner.map((_line, at) => `zpty -w inner "$argv[${at + 1}]"`),
      `zpty -r inner said '*READY*'; shift ${inner.length}`,
      "for line; do zpty -w -n inner \"$line\"$'\\t'; zpty -r inner said '*FINISHED*'; done; zpty -d inner",
    ];
    run("zsh", "-f", "-c", outer.join("\n"), "zsh", ...inner, ...lines);
    return offers(readFileSync(join(folder, "offered"), "utf8"));
  },
  fish(lines) {
    const program = `source ./script.fish; for line in $argv; complete -C $line; echo '${next}'; end`;
    return offers(run("fish", "--no-config", "-c", program, ...lines).replace(/\t.*$/gm, ""));
  },
};

function run(program: string, ...args: readonly string[]): string {
  return execFileSync(program, args, { cwd: folder, encoding: "utf8", timeout: 30_000 });
}

function offers(said: string): readonly (readonly string[])[] {
  return said.split(`${next}\n`).map((text) => [...new Set(text.split("\n").filter(Boolean))].sort());
}

beforeAll(async () => {
  mkdirSync(join(folder, "in $(touch evil) it"));
  writeFileSync(join(folder, "plan.json"), "{}");
  for (const shell of Object.keys(shells)) {
    const { code, stdout } = await runProgram("completion", shell);
    expect(code).toBe(0);
    writeFileSync(join(folder, `script.${shell}`), stdout);
  }
});

afterAll(() => rmSync(folder, { recursive: true }));

/** What a line is completed to, in every shell. */
const lines: readonly (readonly [string, readonly string[]])[] = [
  ["tranship pu", ["pull", "push"]],
  ["tranship comp", ["completion"]],
  ["tranship completion z", ["zsh"]],
  ["tranship pull --referrers a", ["all", "all-but-vex"]],
  ["tranship pull --on-conflict", []],
  ["tranship pull --include-pl", []],
  ["tranship push b r --on-conflict s", ["skip"]],
  ["tranship clean --include", []],
];

for (const [shell, complete] of Object.entries(shells)) {
  const isThere = spawnSync(shell, ["--version"]).status === 0;
  test.skipIf(!isThere)(
    `${shell} completes commands, flags, their values and files, and believes no file's name`,
    () => {
      const more = ["tranship pull --include", "tranship pull --base pl", "tranship pull in", "tranship pull pl"];
      const offered = complete([...lines.map(([line]) => line), ...more]);
      expect(offered.slice(0, lines.length)).toEqual(lines.map(([, expected]) => expected));
      const [flags, file, folders, none] = offered.slice(lines.length).map((words) => words.join());
      expect(flags).toMatch(/--include-module.*--include-package/);
      expect(file).toContain("plan.json");
      expect(folders).toContain("$(touch evil)");
      expect(none).toBe("");
      expect(readdirSync(folder)).not.toContain("evil");
    },
  );
}

describe("bash completes a value behind a sign that ends words there", () => {
  test.for([
    ["tranship pull --referrers=v", ["vex"]],
    ["tranship pull --referrers=", ["all", "all-but-vex", "none", "vex"]],
    ["tranship verify bundle : pl", ["plan.json"]],
  ] as const)("%s", ([line, expected]) => {
    expect(shells.bash([line])[0]).toEqual(expected);
  });
});

test("names that a script could not hold are refused when it is made", () => {
  const program = new Command().addCommand(new Command("a$(b)"));
  expect(() => commandWords(program)).toThrow('"a$(b)"');
});
