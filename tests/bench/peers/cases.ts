import { type CorpusName, isCorpusName } from "./corpus.ts";
import { d8Entrants } from "./d8-entrant.ts";
import type { Entrant } from "./entrant.ts";
import type { PeerProgram } from "./peer-programs.ts";
import { pullEntrants } from "./pull-entrants.ts";
import { pushEntrants } from "./push-entrants.ts";
import { syncEntrants } from "./sync-entrants.ts";

/** What is done with a corpus. */
export type CaseKind = "pull" | "push" | "sync";

/** Something that several programs do in turns. */
export interface BenchCase {
  /** Such as `pull-A`, `pull-A-tls`, `push-B`, `sync-A`, `repeat-pull-A`. */
  readonly name: string;
  readonly kind: CaseKind;
  readonly corpus: CorpusName;
  /** Whether the source speaks TLS. */
  readonly isTls: boolean;
  /** Whether it is done twice, the second time with nothing new. */
  readonly isRepeated: boolean;
}

/** The cases the page shows, in its order. */
export const caseNames: readonly string[] = [
  "pull-A",
  "pull-B",
  "pull-C",
  "pull-A-tls",
  "pull-D",
  "push-A",
  "push-B",
  "sync-A",
  "repeat-pull-A",
  "repeat-push-A",
];

/** The case of this name; there are more than {@link caseNames}. @throws Error when there is none */
export function benchCase(name: string): BenchCase {
  const [, repeat, kind, corpus = "", tls] = /^(repeat-)?(pull|push|sync)-([A-Z])(-tls)?$/.exec(name) ?? [];
  const isPulled = kind === "pull" && repeat === undefined; // all that D and TLS are for
  const isKind = kind === "pull" || kind === "push" || kind === "sync";
  if (!isKind || !isCorpusName(corpus) || ((tls !== undefined || corpus === "D") && !isPulled))
    throw new Error(`there is no case called ${name}, only ${caseNames.join(", ")} and the like`);
  return { name, kind, corpus, isTls: tls !== undefined, isRepeated: repeat !== undefined };
}

/** Everybody who takes part in a case. */
export function entrantsOf({ kind, corpus, isRepeated }: BenchCase, peers: readonly PeerProgram[]): readonly Entrant[] {
  if (corpus === "D") {
    const quick = peers.filter(({ family }) => family === "crane" || family === "oras"); // the others need a process for each of 2200 images
    return [...pullEntrants(quick), ...d8Entrants()];
  }
  const everybody = { pull: pullEntrants, push: pushEntrants, sync: syncEntrants }[kind](peers);
  return isRepeated ? everybody.filter((entrant) => entrant.kind !== "ceiling") : everybody; // curl remembers nothing
}
