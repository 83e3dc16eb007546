import type { Corpus } from "./corpus.ts";

/** Where an entrant works. */
export interface Place {
  /** Where the entry of our program lies. */
  readonly program: string;
  readonly corpus: Corpus;
  /** `127.0.0.1:PORT` of the registry that has the corpus. */
  readonly source: string;
  /** The certificate of its authority, PEM, when it speaks TLS; plain HTTP else. */
  readonly caFile?: string;
  /** `127.0.0.1:PORT` of an empty registry, over plain HTTP, where something is brought into one. */
  readonly target?: string;
  /** Empty when a turn begins. */
  readonly out: string;
  /** What {@link Entrant.prepare} left; the entrant's own. */
  readonly kept: string;
}

/** Whose work it is: ours, somebody else's, or the plainest way there is, which checks nothing. */
export type EntrantKind = "own" | "peer" | "ceiling";

/** A program with what it is told, to be measured beside others that do the same. */
export interface Entrant {
  /** With the program's version, unless it is ours. */
  readonly name: string;
  readonly kind: EntrantKind;
  /** What it leaves and what it is sure of then, in words. */
  readonly makes: string;
  /** A script that is run once and not measured. */
  prepare?(place: Place): string;
  /** The script that is measured. */
  script(place: Place): string;
}

/** A command of the shell. None of the words may have a quote in it. */
export function command(...words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(" ");
}

/** A host that has to be there. @throws Error when it is not */
export function targetOf({ target }: Place): string {
  if (target === undefined) throw new Error("there is no registry to bring anything into");
  return target;
}
