import { mib } from "../measure.ts";
import type { CaseFigures, EntrantFigures } from "./figures.ts";
import { fastestPeer, highest, middle } from "./ranking.ts";

/** Something that must hold of a case, and whether it does. */
export interface Limit {
  readonly title: string;
  readonly measured: string;
  readonly wanted: string;
  /** `undefined` where those who are needed for it did not take part. */
  readonly isMet: boolean | undefined;
}

/** Our program must be so many times as fast as the fastest peer, of those with such a name. */
interface Speed {
  readonly cases: RegExp;
  readonly own: string;
  readonly atLeast: number;
  readonly peers?: { readonly name: string; readonly pattern: RegExp };
  /** It must not take more of the processor either. */
  readonly isFrugal?: boolean;
}

const speeds: readonly Speed[] = [
  { cases: /^pull-A$/, own: "tranship pull", atLeast: 1.7 },
  { cases: /^pull-C$/, own: "tranship pull", atLeast: 1.25 },
  { cases: /^pull-A-tls$/, own: "tranship pull", atLeast: 1.3 },
  { cases: /^pull-A$/, own: "tranship pull --no-sync", atLeast: 2.3 },
  { cases: /^pull-B$/, own: "tranship pull --no-sync", atLeast: 2 },
  { cases: /^pull-C$/, own: "tranship pull --no-sync", atLeast: 1.7 },
  { cases: /^pull-D$/, own: "tranship pull", atLeast: 5, peers: { name: "d8 mirror pull", pattern: /^d8 / } },
  {
    cases: /^push-A$/,
    own: "tranship push",
    atLeast: 1,
    peers: { name: "oras restore", pattern: /^oras .* restore$/ },
    isFrugal: true,
  },
  {
    cases: /^push-B$/,
    own: "tranship push",
    atLeast: 1.3,
    peers: { name: "oras restore", pattern: /^oras .* restore$/ },
  },
  { cases: /^sync-A$/, own: "tranship sync", atLeast: 1, peers: { name: "crane copy", pattern: /^crane .* copy/ } },
  { cases: /^repeat-pull-/, own: "tranship pull", atLeast: 3 },
  { cases: /^repeat-push-/, own: "tranship push", atLeast: 3 },
];

/** No more than so many times what the ceiling takes, for a pull of A that does not wait for the device. */
const besideCeiling = { case: "pull-A", own: "tranship pull --no-sync", atMost: 1.4 };

const maxRssBytes = 120 * mib;

/** What must hold of a case. */
export function limitsOf(figures: CaseFigures): readonly Limit[] {
  const { entrants } = figures;
  const own = entrants.filter(({ kind }) => kind === "own");
  const held = speeds.filter(({ cases }) => cases.test(figures.case)).flatMap((speed) => speedLimits(speed, entrants));
  return [
    ...held,
    ...ceilingLimit(figures),
    ...own.map(memoryLimit),
    ...own.flatMap((one) => writtenLimit(figures, one)),
  ];
}

function speedLimits(
  { own: name, atLeast, peers, isFrugal }: Speed,
  entrants: readonly EntrantFigures[],
): readonly Limit[] {
  const own = entrants.find((one) => one.name === name);
  if (own === undefined) return [];
  const peer = fastestPeer(entrants, peers?.pattern);
  if (peer === undefined) {
    const title = `\`${name}\`: speed beside ${peers?.name ?? "the fastest of the others"}`;
    return [{ title, measured: "not measured", wanted: `at least ${atLeast} ×`, isMet: undefined }];
  }
  const speed = limit({
    title: `\`${name}\`: speed beside ${peer.name}`,
    measured: middle(peer, "wallS") / middle(own, "wallS"),
    atLeast,
  });
  if (!isFrugal) return [speed];
  const title = `\`${name}\`: processor time beside ${peer.name}`;
  return [speed, limit({ title, measured: middle(own, "cpuS") / middle(peer, "cpuS"), atMost: 1 })];
}

function ceilingLimit({ case: name, entrants }: CaseFigures): readonly Limit[] {
  const own = entrants.find((one) => one.name === besideCeiling.own);
  const ceiling = entrants.find(({ kind }) => kind === "ceiling");
  if (name !== besideCeiling.case || own === undefined || ceiling === undefined) return [];
  const measured = middle(own, "wallS") / middle(ceiling, "wallS");
  return [limit({ title: `\`${own.name}\`: time beside ${ceiling.name}`, measured, atMost: besideCeiling.atMost })];
}

function memoryLimit(own: EntrantFigures): Limit {
  const bytes = highest(own, "peakRssBytes");
  return {
    title: `\`${own.name}\`: peak memory, the highest`,
    measured: `${Math.round(bytes / mib)} MiB`,
    wanted: `at most ${maxRssBytes / mib} MiB`,
    isMet: bytes <= maxRssBytes,
  };
}

function writtenLimit({ case: name }: CaseFigures, own: EntrantFigures): readonly Limit[] {
  if (own.leftBytes === undefined || !name.startsWith("pull-")) return [];
  const bytes = highest(own, "writtenBytes");
  return [
    {
      title: `\`${own.name}\`: written, the most`,
      measured: `${(bytes / own.leftBytes).toFixed(3)} × what is left`,
      wanted: "at most 1.02 × + 1 MiB",
      isMet: bytes <= own.leftBytes * 1.02 + mib,
    },
  ];
}

interface Bound {
  readonly title: string;
  readonly measured: number;
  readonly atLeast?: number;
  readonly atMost?: number;
}

function limit({ title, measured, atLeast = 0, atMost = Number.POSITIVE_INFINITY }: Bound): Limit {
  return {
    title,
    measured: `${measured.toFixed(2)} ×`,
    wanted: Number.isFinite(atMost) ? `at most ${atMost} ×` : `at least ${atLeast} ×`,
    isMet: measured >= atLeast && measured <= atMost,
  };
}
