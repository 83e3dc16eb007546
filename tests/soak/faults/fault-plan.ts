import { answerFaults } from "./answer-faults.ts";
import { faultFamilies } from "./fault-families.ts";
import type { ArmedFault } from "./wire-fault.ts";

/** What a side is asked for. */
export interface FaultPlanOptions {
  readonly random: () => number;
  /** Whether it is written to, so that uploads can go wrong. */
  readonly isWritten: boolean;
  /** Most faults. A program that waits half a second between its tries gets few. */
  readonly most: number;
  /** How often one may happen at most. */
  readonly mostTimes: number;
}

/** Some faults for one side: of one kind of requests or many, once or in a row, soon or late. */
export function faultPlan({ random, isWritten, most, mostTimes }: FaultPlanOptions): readonly ArmedFault[] {
  const pick = <One>(all: readonly One[]): One => all[Math.floor(random() * all.length)] as One;
  const count = Math.floor(random() * (most + 1));
  return Array.from({ length: count }, (): readonly ArmedFault[] => {
    const family = pick(isWritten ? ["answers", "statuses", "uploads", "uploads", "connections"] : readFamilies);
    const wire = pick(faultFamilies[family] ?? []);
    const kinds = random() < 0.6 ? [pick(wire.kinds)] : wire.kinds;
    const skip = Math.floor(random() ** 2 * 40);
    const times = 1 + Math.floor(random() ** 3 * mostTimes);
    const armed = { wire, kinds, skip: family === "ranges" ? 0 : skip, times, at: random() };
    return family === "ranges" ? [...cuts(random, skip), armed] : [armed];
  }).flat();
}

const readFamilies = ["answers", "answers", "statuses", "ranges", "connections"];

/** Nobody asks for a range before something was broken off. */
function cuts(random: () => number, skip: number): readonly ArmedFault[] {
  const wire = answerFaults.find(({ name }) => name === (random() < 0.5 ? "reset in the body" : "end in the body"));
  return wire ? [{ wire, kinds: ["blob"], skip, times: 3, at: 0.1 + random() * 0.8 }] : [];
}
