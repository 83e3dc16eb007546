import type { CompletedCommand, CompletedOption, ValueKind } from "./command-words.ts";

/** A script that completes the program's command line in zsh: sourced after `compinit`, or as `_tranship` in `fpath`. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  const names = commands.map(({ name, description }) => `        ${quoted(`${name}:${description}`)}`);
  return `#compdef tranship
# zsh completion for tranship, written by: tranship completion zsh
_tranship() {
  local context state state_descr line curcontext="$curcontext"
  typeset -A opt_args
  _arguments -C '--help[show how it is used]' '--version[show the version]' '1:command:->command' '*::argument:->argument' && return
  case "$state" in
    command)
      local -a commands
      commands=(
${names.join("\n")}
      )
      _describe -t commands command commands
      ;;
    argument)
      case "$words[1]" in
${commands.map(caseOf).join("\n")}
      esac
      ;;
  esac
}
if [[ "$funcstack[1]" == _tranship ]]; then
  _tranship "$@"
else
  compdef _tranship tranship
fi
`;
}

function caseOf({ name, options, argument }: CompletedCommand): string {
  const specs = options.flatMap(specsOf);
  if (argument) specs.push(quoted(`*:argument:${actionOf(argument)}`));
  return `        ${name})
          _arguments -s \\
${specs.map((spec) => `            ${spec}`).join(" \\\n")}
          ;;`;
}

function specsOf({ long, short, description, value, isRepeatable }: CompletedOption): string[] {
  const star = isRepeatable ? "*" : "";
  const text = `[${description.replace(/[\\[\]:]/g, "\\$&")}]`;
  const after = value === undefined ? "" : `:value:${actionOf(value)}`;
  const words = [...(short === undefined ? [] : [short + (value ? "+" : "")]), long + (value ? "=" : "")];
  return words.map((word) => quoted(`${star}${word}${text}${after}`));
}

function actionOf(value: ValueKind): string {
  if (value.kind === "words") return `(${value.words.join(" ")})`;
  if (value.kind === "files") return "_files";
  return value.kind === "folders" ? "_path_files -/" : " ";
}

function quoted(text: string): string {
  return `'${text.replaceAll("\n", " ").replaceAll("'", "'\\''")}'`;
}
