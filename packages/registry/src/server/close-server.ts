import { once } from "node:events";
import type { Server } from "node:http";
import type { Socket } from "node:net";
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
  const sockets = socketsOf(server);
  let closing: Promise<void> | undefined;
  return async ({ graceMs = 0 } = {}) => {
    if (graceMs <= 0) impatience.abort();
    closing ??= closeServer(server, sockets, service, graceMs, impatience.signal);
    await closing;
  };
}

/** The connections a server has, those too that have not got as far as HTTP: `closeAllConnections` knows nothing of them. */
export function socketsOf(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return sockets;
}

async function closeServer(
  server: Server,
  sockets: ReadonlySet<Socket>,
  service: Service,
  graceMs: number,
  cut: AbortSignal,
): Promise<void> {
  const closed = once(server, "close");
  server.close(); // accepts nothing more, and ends connections on which nothing is going on
  service.endConnections();
  await idleWithin(service, graceMs, cut);
  server.closeAllConnections();
  for (const socket of sockets) socket.destroy(); // one that never began with TLS would keep us for minutes
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
