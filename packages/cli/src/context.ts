import type { MirrorEvent } from "@tranship/core";
import {
  createRegistry,
  dockerCredentials,
  type RegistryEvent,
  type RegistryOptions,
  type RemoteRegistry,
} from "@tranship/registry";
import { readPem } from "./pem-file.ts";
import type { Output } from "./print/output.ts";
import { readPassword } from "./read-password.ts";

/** Flags every command takes that talks to a registry. */
export interface RegistryFlags {
  readonly registryLogin?: string;
  readonly registryPassword?: string;
  readonly registryPasswordStdin?: boolean;
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
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Reports progress of a core call. */
  readonly onEvent: (event: MirrorEvent | RegistryEvent) => void;
  /** Opens a registry for reading and writing; reads what files and standard input have to say about its access. */
  registry(place: string, flags: RegistryFlags): Promise<RemoteRegistry>;
  /** Ends the process with this code unless something worse happens. */
  exitWith(code: number): void;
}

/** What {@link createContext} is made of. */
export type CliWorld = Pick<CliContext, "output" | "signal" | "input" | "environment" | "exitWith">;

/** The context of one run of the program. */
export function createContext(world: CliWorld): CliContext {
  const onEvent = (event: MirrorEvent | RegistryEvent) => world.output.event(event);
  return {
    ...world,
    onEvent,
    registry: async (place, flags) => createRegistry(place, { ...(await accessOf(flags, world.input)), onEvent }),
  };
}

/** Who asks and how. Without a login, credentials are those that docker and podman keep. */
async function accessOf(flags: RegistryFlags, input: AsyncIterable<Uint8Array>): Promise<RegistryOptions> {
  const { registryLogin: username, registryPassword, registryPasswordStdin, ca, clientCert, clientKey } = flags;
  const password = registryPasswordStdin
    ? await readPassword(input, "--registry-password-stdin")
    : (registryPassword ?? "");
  // who says how certificates are to be checked means HTTPS, even with this machine
  const isHttps = ca !== undefined || clientCert !== undefined || flags.tlsSkipVerify === true;
  return {
    credentials: username === undefined ? dockerCredentials() : { username, password },
    insecure: flags.insecure ?? (isHttps ? false : undefined),
    tlsSkipVerify: flags.tlsSkipVerify,
    ca: ca === undefined ? undefined : await readPem(ca, "--ca"),
    clientCertificate:
      clientCert === undefined || clientKey === undefined
        ? undefined
        : { cert: await readPem(clientCert, "--client-cert"), key: await readPem(clientKey, "--client-key") },
  };
}
