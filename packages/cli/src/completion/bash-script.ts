import type { CompletedCommand, CompletedOption } from "./command-words.ts";

/** A script that completes the program's command line in bash 3.2 and later. It starts no program. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  return `# bash completion for tranship, written by: tranship completion bash
_tranship() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="" command="" kind="" words="" options="" arguments="" word=""
  local -i at
  COMPREPLY=()
  (( COMP_CWORD > 0 )) && before="\${COMP_WORDS[COMP_CWORD-1]}"
  # words end at = and : here
  if [[ $current == = || $current == : ]]; then
    current=""
  elif [[ $before == = ]] && (( COMP_CWORD > 1 )); then
    before="\${COMP_WORDS[COMP_CWORD-2]}"
  fi
  for (( at = 1; at < COMP_CWORD; at++ )); do
    if [[ \${COMP_WORDS[at]} != -* ]]; then
      command="\${COMP_WORDS[at]}"
      break
    fi
  done
  case "$command" in
    '')
      options="--help --version" arguments=words words="${commands.map(({ name }) => name).join(" ")}"
      ;;
${commands.map(caseOf).join("\n")}
    *)
      return
      ;;
  esac
  if [[ -z $kind ]]; then
    kind="$arguments"
    [[ $current == -* ]] && kind=words words="$options"
  fi
  case "$kind" in
    words)
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -W "$words" -- "$current")
      ;;
    files)
      compopt -o filenames 2>/dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
      ;;
    folders)
      compopt -o filenames 2>/dev/null
      while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -d -- "$current")
      ;;
  esac
}
complete -F _tranship tranship
`;
}

function caseOf({ name, options, argument }: CompletedCommand): string {
  const words = argument?.kind === "words" ? ` words="${argument.words.join(" ")}"` : "";
  const values = options.flatMap((option) => valueCase(option) ?? []);
  return `    ${name})
      options="${options.map(({ long }) => long).join(" ")}" arguments=${argument?.kind ?? "unknown"}${words}
      case "$before" in
${values.join("\n")}
      esac
      ;;`;
}

function valueCase({ long, short, value }: CompletedOption): string | undefined {
  if (value === undefined) return undefined;
  const words = value.kind === "words" ? ` words="${value.words.join(" ")}"` : "";
  return `        ${short === undefined ? long : `${short} | ${long}`}) kind=${value.kind}${words} ;;`;
}
