import { type Json, mutateJson } from "../mutate-json.ts";
import type { Choice } from "../random-choice.ts";
import type { GrowingInput } from "./growth.ts";
import { bytesText, type FuzzTarget } from "./target.ts";

/** What texts of JSON are put together of, for every target that reads it. */
const jsonWords = [
  "{",
  "}",
  "[",
  "]",
  '{"a":',
  '"',
  ",",
  ":",
  "null",
  "true",
  "1e999",
  "-0",
  "9007199254740993",
  '"\\u0000"',
  '"\\ud800"',
  '"__proto__":{"x":1},',
  '"constructor":{"prototype":{"x":1}},',
  "\\",
  "\\u",
  " ",
  "\n",
] as const;

/** What targets of JSON have in common: what inputs are made of, and changes of values. `words` are those of the target alone. */
export function jsonParts(
  alphabet: FuzzTarget["alphabet"],
  words: readonly string[],
): Pick<FuzzTarget, "alphabet" | "words" | "mutate" | "make" | "shape"> {
  const asInput = alphabet === "bytes" ? bytesText : (text: string) => text;
  const values = words.filter((word) => !word.includes('"'));
  return {
    alphabet,
    words: [...jsonWords, ...words.map((word) => (word.includes('"') ? word : JSON.stringify(word)))],
    mutate: (input, choice) => {
      const json = jsonOf(alphabet === "bytes" ? Buffer.from(input, "latin1").toString() : input);
      return json === undefined ? input : asInput(mutateJson(json, choice).text);
    },
    shape: (choice) => deepJson(choice, values),
    make: (choice) => asInput(JSON.stringify(randomJson(choice, values, 4))),
  };
}

/** Lists or objects in each other, under a key that means something. */
function deepJson(choice: Choice, words: readonly string[]): GrowingInput {
  const [open, close] = choice.of([
    ["[", "]"],
    ['{"a":', "}"],
    ['[{"a":', "}]"],
  ] as const);
  const keys = choice.happens(0.3) ? '{"schemaVersion":2,"version":1,' : "{";
  const start = `${keys}${JSON.stringify(choice.of([...words, "a"]))}:`;
  if (choice.happens(0.3)) return { start: `${start}{`, pieces: [{ repeated: '"k№":0,', after: '"":0}}' }] };
  const inner = choice.of(["null", '""', ""]);
  return {
    start,
    pieces: [
      { repeated: open, after: inner },
      { repeated: close, after: "}" },
    ],
  };
}

/** A deep and wide text of JSON whose innermost value is `inner`. */
function randomJson(choice: Choice, words: readonly string[], depth: number): Json {
  const kind = choice.below(depth === 0 ? 4 : 8);
  if (kind < 2) return words.length > 0 && choice.happens(0.7) ? choice.of(words) : choice.of(["", "x", "\u0000"]);
  if (kind === 2) return choice.of([0, 1, -1, 2 ** 53, 1.5]);
  if (kind === 3) return choice.of([null, true, false]);
  const inner = () => randomJson(choice, words, depth - 1);
  if (kind < 6) return Array.from({ length: choice.below(4) }, inner);
  const key = () =>
    words.length > 0 && choice.happens(0.8) ? choice.of(words) : choice.of(["a", "constructor", "toString"]);
  return Object.fromEntries(Array.from({ length: choice.below(5) }, () => [key(), inner()]));
}

function jsonOf(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
