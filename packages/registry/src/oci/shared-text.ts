/**
 * The same text, held in memory once for all who have it from here: for what is read again and again, such as digests and
 * media types in files of many thousand images. Nothing keeps a text alive but whoever has it.
 */
export function sharedText<Text extends string>(text: Text): Text {
  const named: Record<string, true> = Object.create(null) as Record<string, true>;
  named[text] = true; // an engine holds the names of properties once
  for (const name in named) return name as Text;
  return text;
}
