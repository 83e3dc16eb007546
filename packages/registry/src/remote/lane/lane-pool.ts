import type { LaneEndpoint } from "./lane-endpoint.ts";
import { LaneSocket } from "./lane-socket.ts";

/** How long a connection nobody uses is kept, in milliseconds: shorter than servers do, which else hang up as we ask. */
const idleMs = 4000;

/** So much earlier than the server says it will, in milliseconds. */
const marginMs = 1000;

interface IdleSocket {
  readonly socket: LaneSocket;
  readonly timer: NodeJS.Timeout;
}

/** Connections to one origin that are used again. How many there are at once is decided by who takes them. */
export class LanePool {
  readonly #endpoint: LaneEndpoint;
  /** The one used last comes last. */
  #idle: IdleSocket[] = [];
  readonly #taken = new Set<LaneSocket>();
  #closed: Error | undefined;
  /** Answers here are of a kind that this lane does not read. */
  isUnusual = false;

  constructor(endpoint: LaneEndpoint) {
    this.#endpoint = endpoint;
  }

  /** A connection that stands: one that was kept, else a new one. */
  async take(signal: AbortSignal | undefined): Promise<LaneSocket> {
    if (this.#closed) throw this.#closed;
    for (let last = this.#idle.pop(); last !== undefined; last = this.#idle.pop()) {
      clearTimeout(last.timer);
      if (!last.socket.isIdle) {
        last.socket.destroy();
        continue;
      }
      last.socket.socket.ref();
      this.#taken.add(last.socket);
      return last.socket;
    }
    const socket = await LaneSocket.open(this.#endpoint, signal);
    if (this.#closed) {
      socket.destroy();
      throw this.#closed;
    }
    this.#taken.add(socket);
    return socket;
  }

  /** Gives a connection back whose answer was read to its end. */
  give(socket: LaneSocket, keepAliveMs: number | undefined): void {
    this.#taken.delete(socket);
    const keptMs = Math.min(idleMs, (keepAliveMs ?? Number.POSITIVE_INFINITY) - marginMs);
    socket.release();
    if (this.#closed || keptMs <= 0 || !socket.isIdle) {
      socket.destroy();
      return;
    }
    const timer = setTimeout(() => {
      this.#idle = this.#idle.filter((one) => one.socket !== socket);
      socket.destroy();
    }, keptMs);
    timer.unref();
    socket.socket.unref(); // a connection nobody waits for keeps no program alive
    this.#idle.push({ socket, timer });
  }

  /** Drops a connection that cannot be used again. */
  drop(socket: LaneSocket): void {
    this.#taken.delete(socket);
    socket.destroy();
  }

  /** Drops all connections; whoever waits for one fails with `error`. */
  close(error: Error): void {
    this.#closed = error;
    for (const { socket, timer } of this.#idle) {
      clearTimeout(timer);
      socket.destroy();
    }
    this.#idle = [];
    for (const socket of this.#taken) socket.fail(error);
    this.#taken.clear();
  }
}
