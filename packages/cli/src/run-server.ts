import { once } from "node:events";
import type { RegistryServer, ServerOptions } from "@tranship/registry/server";
import type { CliContext } from "./context.ts";
import type { ServerAccess } from "./flags/server-flags.ts";
import { Interruption } from "./interruption.ts";
import { isLoopbackAddress, type ListenAddress } from "./listen-address.ts";
import { ListenError } from "./listen-error.ts";
import { logRequest } from "./request-log.ts";
import { UsageError } from "./usage-error.ts";

/** How long requests may go on once the program was told to stop, in milliseconds. */
const graceMs = 10_000;

const interrupted = 130;

/** A server to run, for {@link runServer}. */
export interface ServerRun {
  readonly address: ListenAddress;
  readonly access: ServerAccess;
  readonly isWritable: boolean;
  /** Tells of every request, not only of what failed. */
  readonly isVerbose: boolean;
  /** Starts the server with these options beside its own. */
  start(options: ListenAddress & ServerAccess & Pick<ServerOptions, "onRequest">): Promise<RegistryServer>;
  /** Says that it listens, and what else there is to know. */
  announce(server: RegistryServer): void | Promise<void>;
}

/**
 * Runs a server until the program is told to stop, and gives how many requests came; Ctrl+C is what ends it with exit code 130.
 * @throws ListenError, and UsageError for a certificate that does not go with its key
 */
export async function runServer(run: ServerRun, { output, signal, exitWith }: CliContext): Promise<number> {
  const { address, access, isWritable, isVerbose } = run;
  let requests = 0;
  const onRequest: ServerOptions["onRequest"] = (request) => {
    requests += 1;
    return logRequest(request, { isVerbose, tell: (event) => output.event(event) });
  };
  const server = await listening(address, () => run.start({ ...address, ...access, onRequest }));
  await using _closed = server; // at once, should anything below fail
  if (!isLoopbackAddress(address)) {
    const message = exposure(server, access, isWritable);
    if (message !== undefined) output.event({ type: "warning.raised", code: "SERVER_EXPOSED", message });
  }
  await run.announce(server);
  if (!signal.aborted) await once(signal, "abort");
  await server.close({ graceMs });
  const { reason } = signal as { readonly reason: unknown };
  if (reason instanceof Interruption && reason.by === "SIGINT") exitWith(interrupted);
  return requests;
}

async function listening(address: ListenAddress, start: () => Promise<RegistryServer>): Promise<RegistryServer> {
  try {
    return await start();
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    if (failure.syscall === "listen" || failure.syscall === "getaddrinfo") throw new ListenError(address, failure);
    if (failure.code?.startsWith("ERR_OSSL_")) throw new UsageError(`--tls-cert and --tls-key: ${failure.message}`);
    throw error;
  }
}

/** What others on the network may do that the user may not have meant. */
function exposure({ host }: RegistryServer, { credentials, tls }: ServerAccess, isWritable: boolean) {
  if (credentials && !tls) return `the password comes to ${host} in the clear; --tls-cert and --tls-key protect it`;
  if (!credentials && isWritable) return `whoever reaches ${host} may write and delete; --login asks for a password`;
  return undefined;
}
