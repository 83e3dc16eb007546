/** A configuration with its examples in force: what stands behind one hash and a space; the first line is for editors. */
export function uncommented(template: string): string {
  return template
    .split("\n")
    .slice(1)
    .map((line) => line.replace(/^# /, ""))
    .join("\n");
}
