import type { Choice } from "../random-choice.ts";
import type { FuzzTarget } from "./target.ts";

/** Damage below any grammar; gives a new text. */
type TextMutation = (text: string, choice: Choice, target: FuzzTarget) => string;

/** Inputs that are damaged get no longer than this, or than their target's, in characters. */
const maxMutatedLength = 32 * 1024;

const numbers = [
  "-1",
  "0",
  "00",
  "1e9",
  "0x10",
  "4294967296",
  "9007199254740993",
  "9".repeat(40),
  "1.5",
  "NaN",
] as const;

/** Characters of both alphabets that parsers trip over. */
const byteCharacters = [
  "\0",
  "\t",
  "\n",
  "\r",
  "\u001b",
  " ",
  '"',
  "'",
  "\\",
  "/",
  ",",
  ";",
  ":",
  "=",
  "@",
  "<",
  "\u007f",
  "\u0080",
  "\u00c0\u0080", // as bytes: an overlong NUL
  "\u00ed\u00a0\u0080", // as bytes: a surrogate
  "\u00ef\u00bb\u00bf", // as bytes: a byte order mark
  "\u00ff",
] as const;
const textCharacters = [
  ...byteCharacters,
  "\ud800",
  "\udc00",
  "\u2028",
  "\ufeff",
  "\u212a",
  "\u0130",
  "\u{1f600}",
] as const;

const flip: TextMutation = (text, choice, { alphabet }) => {
  const at = choice.below(text.length);
  const bit = 1 << choice.below(alphabet === "bytes" ? 8 : 16);
  return text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ bit) + text.slice(at + 1);
};

const insertCharacter: TextMutation = (text, choice, { alphabet }) =>
  inserted(text, choice.of(alphabet === "bytes" ? byteCharacters : textCharacters), choice);

const insertWord: TextMutation = (text, choice, { words }) => inserted(text, choice.of(words), choice);

const insertNumber: TextMutation = (text, choice) => inserted(text, choice.of(numbers), choice);

const replaceNumber: TextMutation = (text, choice) => {
  const found = [...text.matchAll(/[0-9]+/g)];
  if (found.length === 0) return text;
  const { index, 0: old } = choice.of(found);
  return text.slice(0, index) + choice.of(numbers) + text.slice(index + old.length);
};

const remove: TextMutation = (text, choice) => {
  const [from, to] = aRange(text, choice);
  return text.slice(0, from) + text.slice(to);
};

const repeat: TextMutation = (text, choice) => {
  const [from, to] = aRange(text, choice);
  const times = choice.of([1, 1, 2, 7, 64]);
  return text.slice(0, to) + text.slice(from, to).repeat(times) + text.slice(to);
};

const overwrite: TextMutation = (text, choice, { words }) => {
  const [from, to] = aRange(text, choice);
  return text.slice(0, from) + choice.of(words) + text.slice(to);
};

const swap: TextMutation = (text, choice) => {
  const [from, to] = aRange(text, choice);
  const middle = from + choice.below(to - from + 1);
  return text.slice(0, from) + text.slice(middle, to) + text.slice(from, middle) + text.slice(to);
};

const truncate: TextMutation = (text, choice) => text.slice(0, choice.below(text.length + 1));

const changeCase: TextMutation = (text, choice) => {
  const [from, to] = aRange(text, choice);
  const piece = text.slice(from, to);
  return text.slice(0, from) + (choice.happens(0.5) ? piece.toUpperCase() : piece.toLowerCase()) + text.slice(to);
};

const mutations: readonly TextMutation[] = [
  flip,
  flip,
  insertCharacter,
  insertCharacter,
  insertWord,
  insertWord,
  insertNumber,
  replaceNumber,
  remove,
  remove,
  repeat,
  overwrite,
  swap,
  truncate,
  changeCase,
];

/** `text` with one to four things about its characters changed; `other` is spliced in at times. */
export function mutateText(text: string, other: string, target: FuzzTarget, choice: Choice): string {
  let mutated = choice.happens(0.08) ? spliced(text, other, choice) : text;
  for (let left = choice.of([1, 1, 1, 2, 2, 3, 4]); left > 0; left -= 1) {
    mutated = choice.of(mutations)(mutated, choice, target).slice(0, Math.min(maxMutatedLength, target.maxLength));
  }
  return target.alphabet === "bytes" ? narrowed(mutated) : mutated;
}

/** A few words of the target's grammar, one after another. */
export function someWords({ words, alphabet }: FuzzTarget, choice: Choice): string {
  let text = "";
  for (let left = 1 + choice.below(12); left > 0; left -= 1) text += choice.of(words);
  return alphabet === "bytes" ? narrowed(text) : text;
}

/** Case changes of some letters leave the bytes. */
function narrowed(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}

function inserted(text: string, piece: string, choice: Choice): string {
  const at = choice.below(text.length + 1);
  return text.slice(0, at) + piece + text.slice(at);
}

function spliced(text: string, other: string, choice: Choice): string {
  return text.slice(0, choice.below(text.length + 1)) + other.slice(choice.below(other.length + 1));
}

/** A range with at least one character, short more often than long. */
function aRange(text: string, choice: Choice): readonly [from: number, to: number] {
  const from = choice.below(text.length);
  const length = choice.happens(0.8) ? 1 + choice.below(12) : 1 + choice.below(text.length);
  return [from, Math.min(text.length, from + length)];
}
