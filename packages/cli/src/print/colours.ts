import picocolors from "picocolors";

/** Ways to make text stand out; each gives the text as it is where colours are off. */
export type Colours = ReturnType<typeof picocolors.createColors>;

/** Colours, or what leaves text as it is. */
export function createColours(isOn: boolean): Colours {
  return picocolors.createColors(isOn);
}
