import {
  createFileClient,
  createRegistry,
  type FileClientOptions,
  type FileFetcher,
  type RegistryOptions,
  type RemoteRegistry,
} from "@tranship/registry";
import { type ConfiguredFlags, credentialsFor, flagsOfRegistry, otherHosts } from "./config/registry-access.ts";
import type { Environment, RegistrySide } from "./environment.ts";
import { certificatesFromEnvironment } from "./environment-certificates.ts";
import { type ConnectionFlags, connectionOf } from "./flags/connection-flags.ts";
import type { CredentialFlags } from "./flags/credential-flags.ts";
import { readPem } from "./pem-file.ts";
import type { OnCliEvent } from "./print/cli-event.ts";
import type { Output } from "./print/output.ts";

/** Flags every command takes that talks to a registry. */
export interface RegistryFlags extends CredentialFlags, ConnectionFlags, ConfiguredFlags {
  readonly insecure?: boolean;
  readonly tlsSkipVerify?: boolean;
  readonly ca?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
}

/** What a command may touch of the world outside. */
export interface CliContext {
  readonly output: Output;
  readonly signal: AbortSignal;
  /** Standard input. */
  readonly input: AsyncIterable<Uint8Array>;
  /** The process's environment. */
  readonly environment: Environment;
  /** The width of standard output in characters; `undefined` where it is no terminal. */
  readonly columns?: number | undefined;
  /** Reports progress of a core call. */
  readonly onEvent: OnCliEvent;
  /**
   * Opens a registry for reading and writing; reads what files, standard input and the environment have to say about its
   * access. The environment has credentials of its own for each side. @defaultValue `side`: `target`
   */
  registry(place: string, flags: RegistryFlags, side?: RegistrySide): Promise<RemoteRegistry>;
  /** Opens a client for files of web servers, with the connections and certificates that registries are reached with. */
  files(flags: RegistryFlags): Promise<FileFetcher & AsyncDisposable>;
  /** Ends the process with this code unless something worse happens. */
  exitWith(code: number): void;
}

/** What {@link createContext} is made of. */
export type CliWorld = Pick<CliContext, "output" | "signal" | "input" | "environment" | "columns" | "exitWith">;

/** The context of one run of the program. */
export function createContext(world: CliWorld): CliContext {
  const onEvent: OnCliEvent = (event) => world.output.event(event);
  const warn = (message: string) => world.output.event({ type: "warning.raised", code: "VARIABLE_UNUSABLE", message });
  const warnOnce = once(warn);
  return {
    ...world,
    onEvent,
    registry: async (place, flags, side = "target") =>
      createRegistry(place, { ...(await accessOf(place, flags, side, world, warnOnce)), onEvent }),
    files: async (flags) => createFileClient(await fileAccessOf(flags, world, warnOnce)),
  };
}

/** Several registries may be opened in a run: each thing is told once. */
function once(tell: (message: string) => void): (message: string) => void {
  const told = new Set<string>();
  return (message) => {
    if (!told.has(message)) tell(message);
    told.add(message);
  };
}

/** Who asks and how: what flags say, and the configuration where they do not. */
async function accessOf(
  place: string,
  given: RegistryFlags,
  side: RegistrySide,
  { environment, input }: CliWorld,
  warn: (message: string) => void,
): Promise<RegistryOptions> {
  const flags = flagsOfRegistry(place, given);
  const { ca, clientCert, clientKey } = flags;
  const connection = connectionOf(place, flags, environment, warn);
  const mirrors = (connection.mirrors ?? []).map((mirror) => (typeof mirror === "string" ? mirror : mirror.place));
  // who says how certificates are to be checked means HTTPS, even with this machine
  const isHttps = ca !== undefined || clientCert !== undefined || flags.tlsSkipVerify === true;
  return {
    ...connection,
    credentials: await credentialsFor(flags, { place, mirrors, side, environment, input }),
    hosts: await otherHosts(place, flags),
    insecure: flags.insecure ?? (isHttps ? false : undefined),
    tlsSkipVerify: flags.tlsSkipVerify,
    ca: [
      ...(ca === undefined ? [] : [await readPem(ca, "--ca")]),
      ...(await certificatesFromEnvironment(environment, warn)),
    ],
    clientCertificate:
      clientCert === undefined || clientKey === undefined
        ? undefined
        : { cert: await readPem(clientCert, "--client-cert"), key: await readPem(clientKey, "--client-key") },
  };
}

/** No registry is called that: what is said of single ones is not said of servers of files. */
const noRegistry = "files.invalid";

/** How files are fetched: what flags and the configuration say of all connections. */
async function fileAccessOf(
  flags: RegistryFlags,
  { environment }: CliWorld,
  warn: (message: string) => void,
): Promise<FileClientOptions> {
  const { proxy, idleTimeoutMs, limits } = connectionOf(noRegistry, flags, environment, warn);
  const { ca } = flags;
  return {
    proxy,
    idleTimeoutMs,
    limits: { connections: limits?.down, bytesPerSecond: limits?.bytesPerSecond },
    hosts: await otherHosts(noRegistry, flags),
    ca: [
      ...(ca === undefined ? [] : [await readPem(ca, "--ca")]),
      ...(await certificatesFromEnvironment(environment, warn)),
    ],
  };
}
