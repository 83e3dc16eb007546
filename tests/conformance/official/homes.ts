import { MemoryRegistry, type Registry } from "@tranship/registry";
import { type ServerOptions, startServer } from "@tranship/registry/server";

/** Who may use a server that wants credentials. */
export const account = { username: "conformance", password: "a secret: with signs" } as const;

/** A home of content behind a server of ours. */
export interface ServedHome extends AsyncDisposable {
  readonly url: string;
}

/** One line of the report: what holds the content, and how clients are let in. */
export interface ConformanceHome {
  /** Names the folder of its reports. */
  readonly name: string;
  readonly credentials?: typeof account | undefined;
  open(): Promise<ServedHome>;
}

/** All homes that the suite is run against. */
export const homes: readonly ConformanceHome[] = [
  { name: "memory", open: () => serve(new MemoryRegistry()) },
  { name: "memory-basic", credentials: account, open: () => serve(new MemoryRegistry(), { credentials: account }) },
];

async function serve(registry: Registry, options: ServerOptions = {}): Promise<ServedHome> {
  return await startServer(registry, options);
}
