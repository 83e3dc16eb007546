import { BytePacer } from "../remote/byte-pacer.ts";
import { createHostGate, type HostGate } from "../remote/host-gate.ts";

/** How much is asked of one server: its scheme, host and port. */
export interface FileLimits {
  /** Files fetched at once. @defaultValue 8 */
  readonly connections?: number | undefined;
  /** Bytes of bodies in a second, of all files together. @defaultValue unlimited */
  readonly bytesPerSecond?: number | undefined;
}

/** Leave to ask one server, until it is given back. */
export interface OriginPermit extends Disposable {
  readonly pacer: BytePacer | undefined;
}

interface Lane {
  readonly gate: HostGate;
  readonly pacer: BytePacer | undefined;
  /** Who is in it or waits for it. */
  users: number;
}

/** So many lanes nobody is in are kept: what a server's pace has used up is worth knowing for a while. */
const maxIdleLanes = 64;

/** Holds what is asked of each server to its limits. */
export class OriginLanes {
  readonly #connections: number;
  readonly #bytesPerSecond: number | undefined;
  readonly #lanes = new Map<string, Lane>();

  /** @throws RangeError for limits that are not positive, or connections that are not whole */
  constructor({ connections = 8, bytesPerSecond }: FileLimits) {
    this.#connections = connections;
    this.#bytesPerSecond = bytesPerSecond;
    this.#open(); // a limit that is none shows here
  }

  /** Waits for leave, first come first served. */
  async enter(origin: string, signal: AbortSignal): Promise<OriginPermit> {
    const lane = this.#lanes.get(origin) ?? this.#open();
    this.#lanes.delete(origin);
    this.#lanes.set(origin, lane); // the one used longest ago comes first
    lane.users += 1;
    try {
      const slot = await lane.gate.reserve("down", signal);
      const leave = () => {
        slot[Symbol.dispose]();
        this.#leave(lane);
      };
      return { pacer: lane.pacer, [Symbol.dispose]: leave };
    } catch (error) {
      this.#leave(lane);
      throw error;
    }
  }

  #open(): Lane {
    const pacer = this.#bytesPerSecond === undefined ? undefined : new BytePacer(this.#bytesPerSecond);
    return { gate: createHostGate({ down: this.#connections }), pacer, users: 0 };
  }

  #leave(lane: Lane): void {
    lane.users -= 1;
    for (const [origin, { users }] of this.#lanes) {
      if (this.#lanes.size <= maxIdleLanes) return;
      if (users === 0) this.#lanes.delete(origin);
    }
  }
}
