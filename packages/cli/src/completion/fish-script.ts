import type { CompletedCommand, CompletedOption, ValueKind } from "./command-words.ts";

/** A script that completes the program's command line in fish. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  return `# fish completion for tranship, written by: tranship completion fish
function __tranship_command
  set -l words (commandline -opc)
  if test (count $argv) -eq 0
    test (count $words) -eq 1
  else
    test (count $words) -gt 1; and test "$words[2]" = "$argv[1]"
  end
end
complete -c tranship -f
complete -c tranship -n __tranship_command -l help -d 'show how it is used'
complete -c tranship -n __tranship_command -l version -d 'show the version'
${commands.flatMap(linesOf).join("\n")}
`;
}

function linesOf({ name, description, options, argument }: CompletedCommand): string[] {
  const start = `complete -c tranship -n '__tranship_command ${name}'`;
  return [
    `complete -c tranship -n __tranship_command -a ${name} -d ${quoted(description)}`,
    ...(argument === undefined || argument.kind === "unknown" ? [] : [`${start}${candidatesOf(argument)}`]),
    ...options.map((option) => `${start}${optionOf(option)}`),
  ];
}

function optionOf({ long, short, description, value }: CompletedOption): string {
  const words = `${short === undefined ? "" : ` -s ${short.slice(1)}`} -l ${long.slice(2)}`;
  const takes = value === undefined ? "" : ` ${value.kind === "files" ? "-r" : "-x"}${candidatesOf(value)}`;
  return `${words}${takes} -d ${quoted(description)}`;
}

function candidatesOf(value: ValueKind): string {
  if (value.kind === "words") return ` -a '${value.words.join(" ")}'`;
  if (value.kind === "files") return " -F";
  return value.kind === "folders" ? " -a '(__fish_complete_directories)'" : "";
}

function quoted(text: string): string {
  return `'${text.replaceAll("\n", " ").replace(/[\\']/g, "\\$&")}'`;
}
