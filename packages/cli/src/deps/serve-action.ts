import { once } from "node:events";
import { serveCache } from "@tranship/core/deps";
import type { RegistryServer } from "@tranship/registry/server";
import type { CliContext } from "../context.ts";
import type { DepsFlags } from "../flags/deps-flags.ts";
import { Interruption } from "../interruption.ts";
import { type ListenAddress, parseListenAddress } from "../listen-address.ts";
import { ListenError } from "../listen-error.ts";
import { count } from "../print/size.ts";
import { logRequest } from "../request-log.ts";
import { cacheFolder, storeOf } from "./cache-settings.ts";

/** How long requests may go on once the program was told to stop, in milliseconds. */
const graceMs = 10_000;

const interrupted = 130;

/** Serves a cache for reading, until the program is told to stop. */
export async function serve(flags: DepsFlags, context: CliContext): Promise<void> {
  const { output, signal, exitWith } = context;
  const address = parseListenAddress(flags.listen);
  const folder = cacheFolder(flags, context);
  let requests = 0;
  const server = await listening(address, () =>
    serveCache(folder, {
      ...address,
      store: storeOf(folder, flags),
      onRequest(request) {
        requests += 1;
        return logRequest(request, { isVerbose: false, tell: (event) => output.event(event) });
      },
    }),
  );
  await using _closed = server; // at once, should anything below fail
  const told = { type: "server.listening", url: server.url, place: folder, writable: false } as const;
  output.announce(told, `serving ${folder} on ${server.url}, files and images, read-only; Ctrl+C stops it`);
  if (!signal.aborted) await once(signal, "abort");
  await server.close({ graceMs });
  output.report("deps serve", { cache: folder, requests }, `stopped after ${count(requests, "request")}`);
  const { reason } = signal as { readonly reason: unknown };
  if (reason instanceof Interruption && reason.by === "SIGINT") exitWith(interrupted);
}

async function listening(address: ListenAddress, start: () => Promise<RegistryServer>): Promise<RegistryServer> {
  try {
    return await start();
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    if (failure.syscall === "listen" || failure.syscall === "getaddrinfo") throw new ListenError(address, failure);
    throw error;
  }
}
