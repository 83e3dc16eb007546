import { once } from "node:events";
import { type Bundle, requireWhole } from "@tranship/core";
import type { RegistryReader } from "@tranship/registry";
import { type RegistryServer, type ServerOptions, startServer } from "@tranship/registry/server";
import { Command } from "commander";
import type { CredentialReference } from "../config/config.ts";
import { withConfigFlags } from "../config/config-flags.ts";
import { readPasswordCredentials } from "../config/read-credentials.ts";
import type { CliContext } from "../context.ts";
import { Interruption } from "../interruption.ts";
import { isLoopbackAddress, type ListenAddress, parseListenAddress } from "../listen-address.ts";
import { ListenError } from "../listen-error.ts";
import { readPem } from "../pem-file.ts";
import { bundlePaths, openBundle, openLocal, openWritable, parseCliPlaces, perhapsMisspelt } from "../place.ts";
import { count } from "../print/size.ts";
import { readPassword } from "../read-password.ts";
import { logRequest } from "../request-log.ts";
import { UsageError } from "../usage-error.ts";

/** How long requests may go on once the program was told to stop, in milliseconds. */
const graceMs = 10_000;

const interrupted = 130;

interface ServeFlags {
  readonly listen: string;
  readonly writable?: boolean;
  readonly login?: string;
  readonly passwordStdin?: boolean;
  /** Where the configuration finds the two. */
  readonly credentials?: CredentialReference;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly verbose?: boolean;
}

/** `tranship serve`: a folder on this machine as a registry, until the program is told to stop. */
export function serveCommand(context: CliContext): Command {
  const command = new Command("serve")
    .description("serve image layouts or a bundle as a registry; read-only unless told otherwise")
    .argument(
      "[place...]",
      "oci:DIR, a directory of image layouts; or bundle:DIR, archives or chunks of them, several as one registry; a bare word is a bundle. A configuration may name it",
    )
    .option(
      "--listen <host:port>",
      "the address; :PORT for all of this machine's, [::]:PORT with those of IPv6, port 0 for a free one",
      "127.0.0.1:5000",
    )
    .option("--writable", "take pushes and deletes too; the directory of oci:DIR is made if missing")
    .option("--login <name>", "ask everybody for this user name, and a password; with --password-stdin")
    .option("--password-stdin", "read the password of --login from standard input")
    .option("--tls-cert <file>", "speak HTTPS with the certificate chain in this PEM file; with --tls-key")
    .option("--tls-key <file>", "the private key of --tls-cert, PEM")
    .option("--verbose", "tell of each request, not only of those that failed here");
  return withConfigFlags(command).action(async (places: readonly string[], flags: ServeFlags) => {
    const address = parseListenAddress(flags.listen);
    const access = await accessOf(flags, context);
    await using home = await openHome(places, flags, context);
    let requests = 0;
    const server = await listen(home, address, {
      ...access,
      readOnly: !flags.writable,
      onRequest(request) {
        requests += 1;
        return logRequest(request, {
          isVerbose: flags.verbose ?? false,
          tell: (event) => context.output.event(event),
        });
      },
    });
    await using _closed = server; // at once, should anything below fail
    if (!isLoopbackAddress(address)) warn(server, access, flags, context);
    await warnOfNameless(home, context);
    announce(server, home.name, flags, context);
    await told(context.signal);
    await server.close({ graceMs });
    context.output.report("serve", { requests }, `stopped after ${count(requests, "request")}`);
    const { reason } = context.signal as { readonly reason: unknown };
    if (reason instanceof Interruption && reason.by === "SIGINT") context.exitWith(interrupted);
  });
}

async function accessOf(
  flags: ServeFlags,
  { input, environment }: CliContext,
): Promise<Pick<ServerOptions, "credentials" | "tls">> {
  const { login, passwordStdin = false, tlsCert, tlsKey } = flags;
  if ((login !== undefined) !== passwordStdin) throw new UsageError("--login and --password-stdin need each other");
  if (login?.includes(":")) throw new UsageError("--login: a user name cannot have a colon");
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new UsageError("--tls-cert and --tls-key need each other");
  }
  const configured =
    flags.credentials && (await readPasswordCredentials(flags.credentials, environment, "serve.credentials"));
  return {
    credentials:
      login === undefined ? configured : { username: login, password: await readPassword(input, "--password-stdin") },
    tls:
      tlsCert === undefined || tlsKey === undefined
        ? undefined
        : { cert: await readPem(tlsCert, "--tls-cert"), key: await readPem(tlsKey, "--tls-key") },
  };
}

async function openHome(
  texts: readonly string[],
  { writable }: ServeFlags,
  context: CliContext,
): Promise<RegistryReader & AsyncDisposable> {
  const place = parseCliPlaces(texts);
  if (place.kind === "registry") throw new UsageError(perhapsMisspelt(texts, "only oci:DIR and bundles can be served"));
  if (writable) return await openWritable(place);
  return place.kind === "oci" ? await openLocal(place, context) : await openWhole(bundlePaths(place), context);
}

/** Clients of a bundle that lacks what its base brought would find some of its images broken. */
async function openWhole(paths: readonly string[], context: CliContext): Promise<Bundle> {
  const bundle = await openBundle(paths, context);
  try {
    requireWhole(bundle);
    return bundle;
  } catch (error) {
    await bundle[Symbol.asyncDispose]();
    throw error;
  }
}

async function listen(home: RegistryReader, address: ListenAddress, options: ServerOptions): Promise<RegistryServer> {
  try {
    return await startServer(home, { ...address, ...options });
  } catch (error) {
    const failure = error as NodeJS.ErrnoException;
    if (failure.syscall === "listen" || failure.syscall === "getaddrinfo") throw new ListenError(address, failure);
    if (failure.code?.startsWith("ERR_OSSL_")) throw new UsageError(`--tls-cert and --tls-key: ${failure.message}`);
    throw error;
  }
}

/** Says what others on the network may do that the user may not have meant. */
function warn(
  { host }: RegistryServer,
  { credentials, tls }: Pick<ServerOptions, "credentials" | "tls">,
  { writable }: ServeFlags,
  { output }: CliContext,
): void {
  const tell = (message: string) => output.event({ type: "warning.raised", code: "SERVER_EXPOSED", message });
  if (credentials) {
    if (!tls) tell(`the password comes to ${host} in the clear; --tls-cert and --tls-key protect it`);
  } else if (writable) tell(`whoever reaches ${host} may write and delete; --login asks for a password`);
}

/** Says that a layout given in place of the folder above it cannot be asked for: a request has to name a repository. */
async function warnOfNameless(home: RegistryReader, { output }: CliContext): Promise<void> {
  try {
    for await (const _tag of home.repository("").tags()) break;
  } catch {
    return; // there is none; what ails one that is damaged is of no use to anybody here
  }
  const message = `${home.name} is an image layout itself, which has no name here and is not served: give the folder above it`;
  output.event({ type: "warning.raised", code: "LAYOUT_NAMELESS", message });
}

function announce(
  { url }: RegistryServer,
  place: string,
  { writable = false }: ServeFlags,
  { output }: CliContext,
): void {
  output.announce(
    { type: "server.listening", url, place, writable },
    `serving ${place} on ${url}, ${writable ? "writable" : "read-only"}; Ctrl+C stops it`,
  );
}

async function told(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}
