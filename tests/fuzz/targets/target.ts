import type { Choice } from "../random-choice.ts";
import type { GrowingInput } from "./growth.ts";

/** One parser of ours, with what strangers may give it and what it must do then. */
export interface FuzzTarget {
  /** As on the command line, and the name of its folder of kept inputs. */
  readonly name: string;
  /** What is read, for people. */
  readonly what: string;
  /** What an input's characters stand for: UTF-16 units of a text, or one byte each. */
  readonly alphabet: "text" | "bytes";
  /** Pieces of the grammar: put into inputs, repeated, and put one after another. */
  readonly words: readonly string[];
  /** How long inputs are made to see that time grows no faster than they do; in characters. */
  readonly maxLength: number;
  /** Time granted for each character of an input, in nanoseconds. @defaultValue 2000 */
  readonly nsPerCharacter?: number;
  /** How many inputs it gets whenever the tests run. @defaultValue 3000 */
  readonly testRuns?: number;
  /** Changes a valid input by what it means. @defaultValue only characters are changed */
  readonly mutate?: (input: string, choice: Choice) => string;
  /** An input of the grammar. @defaultValue a few of {@link words} */
  readonly make?: (choice: Choice) => string;
  /** An input that is hard for such a parser as it grows. @defaultValue those of any words */
  readonly shape?: (choice: Choice) => GrowingInput;
  /** Whether the input was accepted. Throws when the parser did what it must not. */
  readonly judge: (input: string) => boolean | Promise<boolean>;
}

/** Text as an input of an alphabet of bytes: of UTF-8. */
export function bytesText(text: string): string {
  return Buffer.from(text).toString("latin1");
}

/** The bytes of an input of an alphabet of bytes. */
export function bytesOfInput(input: string): Uint8Array {
  return new Uint8Array(Buffer.from(input, "latin1"));
}
