/** Foreign text made fit for a terminal: no control characters, no novel. */
export function printable(text: string, maxLength: number): string {
  return text
    .replace(/\p{C}+/gu, " ")
    .trim()
    .slice(0, maxLength);
}
