import { Option } from "commander";

/** An option that may be given several times: its values in order, none unless it is given. */
export function repeatable(flags: string, description: string): Option {
  const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  return new Option(flags, `${description}; repeatable`).argParser(collect).default([], "none");
}
