/** Controls, what turns the direction of writing, line separators, halves of pairs: all that could steer a terminal. */
const steering = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** `text` on one line, with everything that could steer a terminal written as an escape: `\n`, `\u{1b}`. */
export function escapeControls(text: string): string {
  return text.replace(steering, escapeOf);
}

/** As {@link escapeControls}, line by line: the line breaks of `text` stay. */
export function escapeControlsOfLines(text: string): string {
  return text.split("\n").map(escapeControls).join("\n");
}

/** As {@link escapeControls}, and of ASCII alone, where one character takes one column. */
export function escapeToAscii(text: string): string {
  return escapeControls(text).replace(/[^\x20-\x7e]/gu, escapeOf);
}

function escapeOf(character: string): string {
  if (character === "\n") return "\\n";
  if (character === "\t") return "\\t";
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
