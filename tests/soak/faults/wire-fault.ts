import type { Socket } from "node:net";
import type { RegistryErrorCode } from "@tranship/registry";
import type { ProxiedExchange } from "./proxied-exchange.ts";
import type { RequestKind } from "./request-kind.ts";

/** What a proxy knows from one request to the next. */
export interface ProxyMemory {
  /** Every `Authorization` header that came. */
  readonly seenTokens: Set<string>;
  /** Those that are taken for no longer good. */
  readonly expiredTokens: Set<string>;
  /** When they ended, in milliseconds of `performance.now()`. */
  expiredAtMs: number;
  /** Upload sessions that were given another place. */
  relocations: number;
  /** Kinds of requests that had a proper answer since faults were armed. */
  readonly answered: Set<RequestKind>;
  /** Lists of referrers that came as a page for people. */
  pagesForReferrers: number;
}

/** One request at which a fault is to happen. */
export interface Injection {
  readonly exchange: ProxiedExchange;
  /** Where in the body, in [0, 1): of the run's seed. */
  readonly at: number;
  readonly memory: ProxyMemory;
  /** Called when it does happen: what it is about may not be there, and then the request is passed on as it is. */
  readonly fire: () => void;
}

/** A way to do wrong on the wire. */
export interface WireFault {
  readonly name: string;
  /** The requests it can happen to; `connection` is all that comes before one. */
  readonly kinds: readonly (RequestKind | "connection")[];
  /** What a run may fail with because of it; with none, a run has to get through. */
  readonly codes: readonly RegistryErrorCode[];
  /** Whether it can happen to this request. @defaultValue to any of its kinds */
  readonly applies?: (exchange: ProxiedExchange, memory: ProxyMemory) => boolean;
  readonly inject?: (injection: Injection) => Promise<void>;
  /** In place of {@link inject}, for a connection that was just accepted. */
  readonly connect?: (socket: Socket) => void;
}

/** A fault and when it happens. */
export interface ArmedFault {
  readonly wire: WireFault;
  readonly kinds: WireFault["kinds"];
  /** Requests of these kinds that pass before. */
  readonly skip: number;
  readonly times: number;
  readonly at: number;
}
