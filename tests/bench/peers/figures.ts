import * as z from "zod";

const measured = z.object({
  wallS: z.number(),
  cpuS: z.number(),
  peakRssBytes: z.number(),
  networkBytes: z.number(),
  writtenBytes: z.number(),
});

const entrant = z.object({
  name: z.string(),
  kind: z.enum(["own", "peer", "ceiling"]),
  makes: z.string(),
  /** What lies on the disk after a pull, in bytes. */
  leftBytes: z.number().optional(),
  /** Of a case that is repeated: the first times, to hold the repeats against. */
  first: z.array(measured).optional(),
  rounds: z.array(measured),
});

const figures = z.object({
  case: z.string(),
  /** `2026-01-31`. */
  date: z.string(),
  command: z.string(),
  machine: z.object({
    cores: z.number(),
    processor: z.string(),
    memoryBytes: z.number(),
    kernel: z.string(),
    node: z.string(),
    registry: z.string(),
  }),
  corpus: z.object({
    name: z.string(),
    title: z.string(),
    images: z.number(),
    blobs: z.number(),
    bytes: z.number(),
  }),
  scale: z.number(),
  entrants: z.array(entrant),
  /** Who does not take part, and why. */
  missing: z.array(z.string()),
});

/** What one entrant came to, round by round. */
export type EntrantFigures = z.infer<typeof entrant>;

/** What all entrants of a case came to: the raw figures that are kept. */
export type CaseFigures = z.infer<typeof figures>;

/** Reads figures that were kept. @throws ZodError when they are none */
export function parseFigures(text: string): CaseFigures {
  return figures.parse(JSON.parse(text));
}
