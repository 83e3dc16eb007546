import type { ServerOptions } from "@tranship/registry/server";
import { type ServedHome, type ServeHome, serveLayouts, serveMemory } from "../../support/served-homes.ts";

const credentials = { username: "conformance", password: "a secret: with signs" };

/** One line of the report: what holds the content, and how clients are let in. */
export interface ConformanceHome {
  /** Names the folder of its reports. */
  readonly name: string;
  readonly credentials?: typeof credentials | undefined;
  open(): Promise<ServedHome>;
}

/** All homes that the suite is run against. */
export const homes: readonly ConformanceHome[] = [
  { name: "memory", open: () => serveMemory() },
  { name: "layouts", open: () => serveLayouts() },
  guarded("memory-basic", "basic", serveMemory),
  guarded("memory-bearer", "bearer", serveMemory),
  guarded("layouts-bearer", "bearer", serveLayouts),
];

function guarded(name: string, scheme: "basic" | "bearer", serve: ServeHome): ConformanceHome {
  const options: ServerOptions = { auth: { scheme, credentials } };
  return { name, credentials, open: () => serve(options) };
}
