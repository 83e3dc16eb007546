/** Text handed on at a time, in characters: a file of a large plan is never in memory as a whole. */
const pieceLength = 64 * 1024;

/**
 * `value` as JSON with two spaces and a final newline: what `JSON.stringify` with two spaces makes of it, in pieces. For
 * plain data: no `toJSON`, no cycles.
 */
export function* jsonText(value: unknown): Generator<string> {
  let piece = "";
  for (const part of partsOf(value, "")) {
    piece += part;
    if (piece.length < pieceLength) continue;
    yield piece;
    piece = "";
  }
  yield `${piece}\n`;
}

function* partsOf(value: unknown, indent: string): Generator<string> {
  const inner = `${indent}  `;
  if (Array.isArray(value) && value.length > 0) {
    let before = `[\n${inner}`;
    for (const element of value) {
      yield before;
      if (isLong(element)) yield* partsOf(element, inner);
      else yield indented(element, inner) ?? "null";
      before = `,\n${inner}`;
    }
    yield `\n${indent}]`;
  } else if (isLong(value)) {
    let before = `{\n${inner}`;
    for (const [key, own] of Object.entries(value as object)) {
      const text = isLong(own) ? "" : indented(own, inner);
      if (text === undefined) continue;
      yield `${before}${JSON.stringify(key)}: ${text}`;
      if (isLong(own)) yield* partsOf(own, inner);
      before = `,\n${inner}`;
    }
    yield `\n${indent}}`;
  } else yield indented(value, indent) ?? "null";
}

/** Whether a value may be as long as the list: one with a list in it. */
function isLong(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return typeof value === "object" && value !== null && Object.values(value).some((own) => isLong(own));
}

/** As `JSON.stringify` has it at this depth; a line break in it is always one of the layout's own. */
function indented(value: unknown, indent: string): string | undefined {
  return JSON.stringify(value, undefined, 2)?.replaceAll("\n", `\n${indent}`);
}
