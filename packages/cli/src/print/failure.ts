import type { Diagnosis } from "../diagnosis/diagnosis.ts";

/** How parts of a failure are made to stand out; each gives the text it was given, with or without colour. */
export interface FailurePaint {
  readonly alarm: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly strong: (text: string) => string;
}

const plain: FailurePaint = { alarm: (text) => text, faint: (text) => text, strong: (text) => text };

/**
 * A failure for people: what kind it is, the errors from the outside in, then what may have led to it, each with what to do.
 * Of one possible cause only the advice is told: the errors have said the rest. Ends with a line break.
 */
export function formatFailure(diagnosis: Diagnosis, { alarm, faint, strong }: FailurePaint = plain): string {
  const { category, message, chain, causes } = diagnosis;
  const lines = [`${alarm("tranship:")} ${strong(category ?? message)}`];
  if (category !== undefined || chain.length > 1) {
    const shown = category === undefined ? chain.slice(1) : chain;
    lines.push(...shown.map((one, depth) => `  ${"  ".repeat(depth)}${faint(depth === 0 ? "" : "↳ ")}${one}`));
  }
  const isSingle = causes.length === 1;
  for (const { cause, advice } of causes) {
    if (!isSingle) lines.push(`  * ${cause}`);
    lines.push(...advice.map((one) => `${isSingle ? "  " : "    "}${faint("->")} ${one}`));
  }
  return `${lines.join("\n")}\n`;
}
