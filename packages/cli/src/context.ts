import type { MirrorEvent } from "@tranship/core";
import { createRegistry, type RegistryEvent, type RemoteRegistry } from "@tranship/registry";
import type { Output } from "./print/output.ts";

/** Flags every command takes that talks to a registry. */
export interface RegistryFlags {
  readonly registryLogin?: string;
  readonly registryPassword?: string;
  readonly insecure?: boolean;
  readonly tlsSkipVerify?: boolean;
}

/** What a command may touch of the world outside. */
export interface CliContext {
  readonly output: Output;
  readonly signal: AbortSignal;
  /** Reports progress of a core call. */
  readonly onEvent: (event: MirrorEvent | RegistryEvent) => void;
  /** Opens a registry for reading and writing. */
  registry(place: string, flags: RegistryFlags): RemoteRegistry;
  /** Ends the process with this code unless something worse happens. */
  exitWith(code: number): void;
}

/** The context of one run of the program. */
export function createContext(output: Output, signal: AbortSignal, exitWith: (code: number) => void): CliContext {
  const onEvent = (event: MirrorEvent | RegistryEvent) => output.event(event);
  return {
    output,
    signal,
    onEvent,
    exitWith,
    registry(place, { registryLogin, registryPassword, insecure, tlsSkipVerify }) {
      return createRegistry(place, {
        ...(registryLogin === undefined
          ? {}
          : { credentials: { username: registryLogin, password: registryPassword ?? "" } }),
        ...(insecure === undefined ? {} : { insecure }),
        ...(tlsSkipVerify === undefined ? {} : { tlsSkipVerify }),
        onEvent,
      });
    },
  };
}
