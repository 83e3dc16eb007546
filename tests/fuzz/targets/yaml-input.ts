import type { Choice } from "../random-choice.ts";
import type { GrowingInput } from "./growth.ts";

/** What YAML is put together of, for every target that reads it. */
export const yamlWords = [
  ": ",
  "- ",
  "\n",
  "\n  ",
  "  ",
  "&a ",
  "*a",
  "<<: *a",
  "? ",
  "|\n",
  ">-\n",
  "{",
  "}",
  "[",
  "]",
  ", ",
  "'",
  '"',
  "# ",
  "---\n",
  "...\n",
  "%YAML 1.1\n",
  "!!binary ",
  "!!js/function ",
  "!",
  "~",
  "yes",
  "0o17",
  ".inf",
  "1e400",
  "__proto__: ",
  "\t",
  "a: &a [*a]\n",
  "\\",
] as const;

/** Changes whole lines of a text: another order, another depth, once more or gone. */
export function mutateLines(text: string, choice: Choice): string {
  let lines = text.split("\n");
  for (let left = choice.of([1, 1, 2, 3]); left > 0; left -= 1) {
    const at = choice.below(lines.length);
    const line = lines[at] ?? "";
    const changes: readonly (() => string[])[] = [
      () => lines.toSpliced(at, 1),
      () => lines.toSpliced(at, 0, line),
      () => lines.toSpliced(at, 0, lines[choice.below(lines.length)] ?? ""),
      () => lines.with(at, `  ${line}`),
      () => lines.with(at, line.replace(/^ {2}/, "")),
      () => lines.with(at, line.replace(/:.*$/, `: ${choice.of(yamlWords)}`)),
      () => lines.with(at, line.replace(/: (.*)$/, ": &a $1")),
      () => lines.with(at, line.replace(/: (.*)$/, ": *a")),
      () => lines.with(at, line.replace(/: (.*)$/, ": [$1, $1]")),
      () =>
        lines.with(at, line.replace(/^(\s*)([^:]*):/, `$1${choice.of(["__proto__", "constructor", "source", "x"])}:`)),
    ];
    lines = choice.of(changes)();
    if (lines.length === 0) lines = [""];
  }
  return lines.join("\n");
}

/** Many keys, many aliases, deep lists: what readers of YAML are slow with. */
export function yamlShape(choice: Choice): GrowingInput {
  const one = (start: string, repeated: string, after: string): GrowingInput => ({
    start,
    pieces: [{ repeated, after }],
  });
  return choice.of([
    one("a: &a 1\nb: [", "*a, ", "*a]\n"),
    one("a: &a [1]\n", "? *a\n: *a\n", ""),
    one("", "a: 1\n", ""),
    one("", "k№: 1\n", ""),
    one("a: {", "k№: 1, ", "}\n"),
    one("- &a 1\n", "- &a№ *a\n", ""),
    one("", "- &a [*a]\n", ""),
    one("a: ", "[", ""),
    {
      start: "a: ",
      pieces: [
        { repeated: "[", after: "" },
        { repeated: "]", after: "\n" },
      ],
    },
    {
      start: "a: ",
      pieces: [
        { repeated: "{a: ", after: "" },
        { repeated: "}", after: "\n" },
      ],
    },
    one("a: |\n", "  x\n", ""),
    one('a: "', "\\n\n  ", '"\n'),
    one("a: &b0 [1]\nb: &b1 [*b0,*b0]\nc: &b2 [*b1,*b1]\nd: [", "*b2, ", "*b2]\n"),
  ]);
}
