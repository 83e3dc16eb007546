import type { Command } from "commander";

/**
 * The words of a command line with hyphens where a flag is written with underscores, such as `--include_package`. Values
 * stay as they are, and so does what is no flag of the command.
 */
export function withHyphens(command: Command, words: readonly string[]): string[] {
  const result: string[] = [];
  let isValue = false;
  let isOver = false;
  for (const word of words) {
    if (isValue || isOver) {
      result.push(word);
      isValue = false;
      continue;
    }
    isOver = word === "--";
    const [, name = word, value = ""] = /^(--[^=]+)(=.*)?$/s.exec(word) ?? [];
    const spelled = name.startsWith("--") ? name.replaceAll("_", "-") : name;
    const option = command.options.find(({ long, short }) => long === spelled || short === word);
    result.push(option && option.long === spelled ? `${spelled}${value}` : word);
    isValue = option?.required === true && value === "";
  }
  return result;
}
