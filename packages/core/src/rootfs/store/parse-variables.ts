/** A whole number as a variable has it; `undefined` for anything else, also one too large to count exactly. */
export function parseInteger(text: string): number | undefined {
  const number = /^[+-]?[0-9]+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

/** A finite decimal number as a variable has it; `undefined` for anything else. */
export function parseDecimal(text: string): number | undefined {
  const isNumber = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/.test(text);
  const number = isNumber ? Number(text) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}

const truths: readonly string[] = ["1", "t", "T", "true", "TRUE", "True"];
const untruths: readonly string[] = ["0", "f", "F", "false", "FALSE", "False"];

/** A truth value in one of Go's spellings; `undefined` for anything else, "yes" among it. */
export function parseTruth(text: string): boolean | undefined {
  if (truths.includes(text)) return true;
  return untruths.includes(text) ? false : undefined;
}
