import type { Argument, Command, Option } from "commander";

/** What comes after a flag, or where no flag is: words of a list, names of files or folders, or what no shell can know. */
export type ValueKind =
  | { readonly kind: "words"; readonly words: readonly string[] }
  | { readonly kind: "files" | "folders" | "unknown" };

/** A flag as a shell completes it. */
export interface CompletedOption {
  /** With its hyphens, such as `--source`. */
  readonly long: string;
  /** With its hyphen, such as `-o`. */
  readonly short: string | undefined;
  readonly description: string;
  /** What it takes; `undefined` for nothing. */
  readonly value: ValueKind | undefined;
  readonly isRepeatable: boolean;
}

/** A command as a shell completes it. */
export interface CompletedCommand {
  readonly name: string;
  readonly description: string;
  readonly options: readonly CompletedOption[];
  /** What its arguments are; `undefined` when it takes none. */
  readonly argument: ValueKind | undefined;
}

/** Names of values on the command line that are files or folders. */
const pathKinds: ReadonlyMap<string, "files" | "folders"> = new Map([
  ["file", "files"],
  ["archive", "files"],
  ["place", "files"], // of an argument; that of a flag is a registry's most of the time
  ["bundle", "folders"],
  ["folder", "folders"],
]);

/** The commands of a program, as far as `--help` shows them. @throws Error for a name that a script could not hold */
export function commandWords(program: Command): readonly CompletedCommand[] {
  return program
    .createHelp()
    .visibleCommands(program)
    .map((command) => ({
      name: requireWord(command.name()),
      description: command.description(),
      options: program.createHelp().visibleOptions(command).map(completedOption),
      argument: argumentOf(command),
    }));
}

function completedOption(option: Option): CompletedOption {
  return {
    long: requireWord(option.long ?? ""),
    short: option.short === undefined ? undefined : requireWord(option.short),
    description: option.description,
    value: option.required || option.optional ? valueKindOf(option) : undefined,
    isRepeatable: Array.isArray(option.defaultValue),
  };
}

function valueKindOf({ argChoices, flags }: Option): ValueKind {
  if (argChoices) return { kind: "words", words: argChoices.map(requireWord) };
  const name = /[<[]([^>\]]+)[>\]]/.exec(flags)?.[1] ?? "";
  if (name.includes("|")) return { kind: "words", words: name.split("|").map(requireWord) };
  return { kind: (name === "place" ? undefined : pathKinds.get(name)) ?? "unknown" };
}

function argumentOf(command: Command): ValueKind | undefined {
  const [argument] = command.registeredArguments as readonly Argument[];
  if (!argument) return undefined;
  if (argument.argChoices) return { kind: "words", words: argument.argChoices.map(requireWord) };
  return { kind: pathKinds.get(argument.name()) ?? "unknown" };
}

/** Scripts are made of these words without quotes. */
function requireWord(word: string): string {
  if (/^[A-Za-z0-9-]+$/.test(word)) return word;
  throw new Error(`cannot complete ${JSON.stringify(word)}: it is no plain word`);
}
