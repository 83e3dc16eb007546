import { type ServedHome, serveLayouts, serveMemory } from "../../support/served-homes.ts";

const account = { username: "conformance", password: "a secret: with signs" };

/** One line of the report: what holds the content, and how clients are let in. */
export interface ConformanceHome {
  /** Names the folder of its reports. */
  readonly name: string;
  readonly credentials?: typeof account | undefined;
  open(): Promise<ServedHome>;
}

/** All homes that the suite is run against. */
export const homes: readonly ConformanceHome[] = [
  { name: "memory", open: () => serveMemory() },
  { name: "layouts", open: () => serveLayouts() },
  { name: "memory-basic", credentials: account, open: () => serveMemory({ credentials: account }) },
];
