import type { Choice } from "./random-choice.ts";

/** What JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** The way to a value: keys and positions, from the outermost. */
type Path = readonly (string | number)[];

const noDigest = `sha256:${"0".repeat(64)}`;

/** Values of every kind, among them such as programs trip over. */
const values: readonly Json[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  2 ** 53,
  1e308,
  "",
  "x",
  "..",
  "../../escaped",
  "v1 .0",
  "__proto__",
  "constructor",
  "\u0000",
  "\u001b[31mred\r\n",
  "\ud800",
  "x".repeat(5000),
  noDigest,
  "sha256:",
  `sha512:${"a".repeat(64)}`,
  `md5:${"a".repeat(32)}`,
  `SHA256:${"A".repeat(64)}`,
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.oci.image.layout.v1+json",
  [],
  {},
  [[]],
  [null],
  [{}],
];

/**
 * The text of `json` with one to three things about it changed: types, keys, entries, or the text itself. Not always JSON.
 * `what` says how, for people.
 */
export function mutateJson(json: Json, choice: Choice): { readonly text: string; readonly what: string } {
  if (choice.happens(0.1)) return mutateText(JSON.stringify(json), choice);
  const done: string[] = [];
  let mutated = json;
  for (let left = choice.of([1, 1, 2, 3]); left > 0; left -= 1) {
    const path = choice.of(pathsOf(mutated));
    const [what, change] = choice.of(changes);
    mutated = changedAt(mutated, path, (value) => change(value, choice));
    done.push(`${what} at /${path.join("/")}`);
  }
  // A key that JSON.stringify would never write is put in by hand.
  const text = JSON.stringify(mutated).replaceAll('"PROTO"', '"__proto__"');
  return { text, what: done.join(", ") };
}

const changes: readonly (readonly [string, (value: Json, choice: Choice) => Json | undefined])[] = [
  ["another value", (_, choice) => choice.of(values)],
  ["another value", (_, choice) => choice.of(values)],
  ["nothing", () => undefined],
  ["an array of it", (value) => [value]],
  ["an object around it", (value) => ({ a: value })],
  ["its text", (value) => (typeof value === "string" ? value : JSON.stringify(value))],
  ["a number beside it", (value, choice) => (typeof value === "number" ? value + choice.of([-1, 1, 512]) : 7)],
  ["cut text", (value) => (typeof value === "string" ? value.slice(0, -1) : value)],
  ["longer text", (value) => (typeof value === "string" ? `${value}0` : value)],
  ["repeated entries", (value, choice) => (isList(value) ? repeated(value, choice.of([2, 3, 50])) : value)],
  ["other order", (value) => (isList(value) ? value.toReversed() : value)],
  ["a key more", (value, choice) => (isRecord(value) ? { ...value, [choice.of(keys)]: choice.of(values) } : value)],
  ["deep nesting", (_, choice) => nested(choice.of([5, 70, 300]))],
];

const keys = ["PROTO", "constructor", "toString", "mediaType", "annotations", "urls", "data", "platform", "subject"];

/** Damage below the grammar, and texts that are hard on a parser. */
function mutateText(text: string, choice: Choice): { readonly text: string; readonly what: string } {
  const at = choice.below(text.length);
  const kinds: readonly (readonly [string, string])[] = [
    [
      "a character more",
      `${text.slice(0, at)}${choice.of(["{", "[", '"', ",", "\u0000", "}", "\\"])}${text.slice(at)}`,
    ],
    ["a character less", text.slice(0, at) + text.slice(at + 1)],
    ["cut", text.slice(0, at)],
    ["twice", text + text],
    ["a mark before it", `\ufeff${text}`],
    ["duplicate keys", text.replace("{", '{"manifests":[],"schemaVersion":1,"layers":7,"version":9,')],
    ["brackets", "[".repeat(20_000)],
    ["braces", '{"a":'.repeat(20_000)],
    ["a long number", `{"schemaVersion":${"9".repeat(5000)}}`],
    ["empty", ""],
  ];
  const [what, mutated] = choice.of(kinds);
  return { text: mutated, what: `text: ${what}` };
}

function pathsOf(json: Json, path: Path = []): readonly Path[] {
  if (isList(json)) return [path, ...json.slice(0, 40).flatMap((value, at) => pathsOf(value, [...path, at]))];
  if (!isRecord(json)) return [path];
  return [path, ...Object.entries(json).flatMap(([key, value]) => pathsOf(value, [...path, key]))];
}

function changedAt(json: Json, path: Path, change: (value: Json) => Json | undefined): Json {
  const [head, ...rest] = path;
  if (head === undefined) return change(json) ?? null;
  if (isList(json)) return json.flatMap((value, at) => (at === head ? changedEntry(value, rest, change) : [value]));
  if (!isRecord(json)) return json;
  return Object.fromEntries(
    Object.entries(json).flatMap(([key, value]) =>
      key === head ? changedEntry(value, rest, change).map((changed) => [key, changed] as const) : [[key, value]],
    ),
  );
}

function changedEntry(value: Json, rest: Path, change: (value: Json) => Json | undefined): readonly Json[] {
  if (rest.length > 0) return [changedAt(value, rest, change)];
  const changed = change(value);
  return changed === undefined ? [] : [changed];
}

function repeated(values: readonly Json[], times: number): readonly Json[] {
  return Array.from({ length: times }, () => values).flat();
}

function nested(depth: number): Json {
  let value: Json = [];
  for (let left = depth; left > 0; left -= 1) value = left % 2 ? [value] : { a: value };
  return value;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function isRecord(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
