import type { MirrorEvent } from "@tranship/core";
import type { RegistryEvent } from "@tranship/registry";

/** What happens on the way: what the libraries tell, and what the program adds. */
export type CliEvent = MirrorEvent | RegistryEvent | ServeEvent;

/** What `tranship serve` tells beside what the libraries tell. */
export type ServeEvent =
  /** Requests are answered from now on. */
  | {
      readonly type: "server.listening";
      readonly url: string;
      readonly place: string;
      readonly writable: boolean;
    }
  /** The head of an answer goes out; the path is as sent, without its query. */
  | { readonly type: "request.answered"; readonly method: string; readonly path: string; readonly status: number }
  | { readonly type: "warning.raised"; readonly code: "SERVER_EXPOSED"; readonly message: string };
