import { type Bundle, requireWhole } from "@tranship/core";
import type { PasswordCredentials, RegistryReader } from "@tranship/registry";
import type { RegistryServer } from "@tranship/registry/server";
import { Command } from "commander";
import type { CredentialReference } from "../config/config.ts";
import { withConfigFlags } from "../config/config-flags.ts";
import { readPasswordCredentials } from "../config/read-credentials.ts";
import type { CliContext } from "../context.ts";
import { type ServerFlags, serverAccess, withServerFlags } from "../flags/server-flags.ts";
import { parseListenAddress } from "../listen-address.ts";
import { bundlePaths, openBundle, openLocal, openWritable, parseCliPlaces, perhapsMisspelt } from "../place.ts";
import { count } from "../print/size.ts";
import { runServer } from "../run-server.ts";
import { UsageError } from "../usage-error.ts";

interface ServeFlags extends ServerFlags {
  readonly listen: string;
  readonly writable?: boolean;
  /** Where the configuration finds name and password. */
  readonly credentials?: CredentialReference;
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
    .option("--writable", "take pushes and deletes too; the directory of oci:DIR is made if missing");
  withServerFlags(command).option("--verbose", "tell of each request, not only of those that failed here");
  return withConfigFlags(command).action(async (places: readonly string[], flags: ServeFlags) => {
    const address = parseListenAddress(flags.listen);
    const access = await serverAccess(flags, context.input, await configuredLogin(flags, context));
    await using home = await openHome(places, flags, context);
    const { startServer } = await import("@tranship/registry/server"); // what it needs, other commands do not
    const requests = await runServer(
      {
        address,
        access,
        isWritable: flags.writable ?? false,
        isVerbose: flags.verbose ?? false,
        start: (options) => startServer(home, { ...options, readOnly: !flags.writable }),
        async announce(server) {
          await warnOfNameless(home, context);
          announce(server, home.name, flags, context);
        },
      },
      context,
    );
    context.output.report("serve", { requests }, `stopped after ${count(requests, "request")}`);
  });
}

async function configuredLogin(
  { credentials }: ServeFlags,
  { environment }: CliContext,
): Promise<PasswordCredentials | undefined> {
  return credentials && (await readPasswordCredentials(credentials, environment, "serve.credentials"));
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
