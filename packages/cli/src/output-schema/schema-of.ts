import type * as z from "zod";

/** What tells a kind of line from the others. */
type NameOf<Line> = Line extends { readonly type: "report"; readonly command: infer Command }
  ? { readonly type: "report"; readonly command: Command }
  : Line extends { readonly type: infer Type }
    ? { readonly type: Type }
    : unknown;

type KeysOf<Lines> = Lines extends unknown ? keyof Lines : never;

/** Fields of lines that the schema of their kind does not name. */
type Unnamed<Line, Known> = Line extends unknown ? Exclude<keyof Line, KeysOf<Extract<Known, NameOf<Line>>>> : never;

/** `Line` as a schema has it: arrays and fields that are not read-only. */
type Plain<Line> = Line extends string | number | boolean | undefined | null
  ? Line
  : Line extends readonly (infer Item)[]
    ? Plain<Item>[]
    : { -readonly [Key in keyof Line]: Plain<Line[Key]> };

/**
 * Takes the schema of `Line`. It compiles only while the schema takes every `Line` there can be and names all its fields, so
 * that the two do not drift apart.
 */
export function schemaOf<Line>() {
  return <Schema extends z.ZodType>(
    schema: [Plain<Line>] extends [z.output<Schema>]
      ? [Unnamed<Line, z.output<Schema>>] extends [never]
        ? Schema
        : never
      : never,
  ): z.ZodType<Line> => schema as unknown as z.ZodType<Line>;
}
