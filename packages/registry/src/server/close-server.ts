import { once } from "node:events";
import type { Server } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import type { Service } from "./service.ts";

/** Options of a server's `close`. */
export interface CloseOptions {
  /** Requests that are being served may take so much longer, in milliseconds, before they are broken off. @defaultValue 0 */
  readonly graceMs?: number | undefined;
}

/** A timer of more milliseconds would fire at once. */
const longestTimerMs = 2 ** 31 - 1;

/** Closes a server once, however often it is called; a call without grace ends the grace of an earlier one. */
export function closerOf(server: Server, service: Service): (options?: CloseOptions) => Promise<void> {
  const impatience = new AbortController();
  let closing: Promise<void> | undefined;
  return async ({ graceMs = 0 } = {}) => {
    if (graceMs <= 0) impatience.abort();
    closing ??= closeServer(server, service, graceMs, impatience.signal);
    await closing;
  };
}

async function closeServer(server: Server, service: Service, graceMs: number, cut: AbortSignal): Promise<void> {
  const closed = once(server, "close");
  server.close(); // accepts nothing more, and ends connections on which nothing is going on
  service.endConnections();
  await idleWithin(service, graceMs, cut);
  server.closeAllConnections();
  await closed;
  await service[Symbol.asyncDispose]();
}

async function idleWithin(service: Service, graceMs: number, cut: AbortSignal): Promise<void> {
  const idle = new AbortController();
  const over = delay(Math.min(graceMs, longestTimerMs), undefined, {
    signal: AbortSignal.any([cut, idle.signal]),
  }).catch(() => undefined);
  await Promise.race([service.idle(), over]);
  idle.abort(); // no timer is left behind
}
