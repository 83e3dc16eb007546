import type { Choice } from "../random-choice.ts";
import type { FuzzTarget } from "./target.ts";

/** An input of any length: its start and its end, and in between pieces that are repeated. */
export interface GrowingInput {
  readonly start: string;
  readonly pieces: readonly { readonly repeated: string; readonly after: string }[];
}

/** An input that grows, of the target's words and of what is around a place of `sample`. */
export function growingInput(target: FuzzTarget, sample: string, choice: Choice): GrowingInput {
  const word = () =>
    choice.happens(0.8) ? choice.of(target.words) : choice.of([" ", "\t", "a", "0", "\\", "/", ".", "x"]);
  const at = choice.below(sample.length + 1);
  const pieces = Array.from({ length: choice.of([1, 1, 2, 2, 3]) }, () => ({
    repeated: choice.happens(0.8) ? word() : word() + word(),
    after: choice.happens(0.5) ? word() : "",
  }));
  const start = choice.happens(0.4) ? sample.slice(0, at) : choice.happens(0.5) ? word() : word() + word();
  const end = choice.happens(0.5) ? sample.slice(at, at + 1000) : choice.of(["", "x", '"x', "\0"]);
  return { start, pieces: [...pieces.slice(0, -1), { ...last(pieces), after: last(pieces).after + end }] };
}

/** The input at a length of about `length` characters. */
export function grown({ start, pieces }: GrowingInput, length: number): string {
  const unit = pieces.reduce((sum, { repeated }) => sum + repeated.length, 0);
  const times = Math.ceil(length / Math.max(1, unit));
  return pieces.reduce((text, { repeated, after }) => text + manyOf(repeated, times) + after, start);
}

/** `№` in a piece is another number each time. */
function manyOf(piece: string, times: number): string {
  if (!piece.includes("№")) return piece.repeat(times);
  return Array.from({ length: times }, (_, at) => piece.replaceAll("№", at.toString(36))).join("");
}

/** For people. */
export function describeGrowing({ start, pieces }: GrowingInput): string {
  const repeats = pieces.map(({ repeated, after }) => `${JSON.stringify(repeated)} × n + ${JSON.stringify(after)}`);
  return [JSON.stringify(start), ...repeats].join(" + ");
}

/** The same with one thing less; simpler ones first. */
export function* simplerGrowing({ start, pieces }: GrowingInput): Generator<GrowingInput> {
  for (const at of pieces.keys()) if (pieces.length > 1) yield { start, pieces: pieces.toSpliced(at, 1) };
  for (const shorter of shorterTexts(start)) yield { start: shorter, pieces };
  for (const [at, piece] of pieces.entries()) {
    for (const after of shorterTexts(piece.after)) yield { start, pieces: pieces.with(at, { ...piece, after }) };
    for (const repeated of shorterTexts(piece.repeated)) {
      if (repeated !== "") yield { start, pieces: pieces.with(at, { ...piece, repeated }) };
    }
  }
}

function* shorterTexts(text: string): Generator<string> {
  for (let length = text.length; length > 0; length = Math.floor(length / 2)) {
    for (let at = 0; at < text.length; at += length) yield text.slice(0, at) + text.slice(at + length);
  }
}

function last<Item>(items: readonly Item[]): Item {
  const item = items.at(-1);
  if (item === undefined) throw new Error("there is no last one");
  return item;
}
