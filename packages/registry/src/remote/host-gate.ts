/** What a permit is for: small requests, downloads of blobs, or uploads of blobs. Each has its own slots. */
export type GateLane = "meta" | "down" | "up";

/** How many exchanges may run at once, per host and lane. */
export interface GateLimits {
  /** @defaultValue 8 */
  readonly meta?: number | undefined;
  /** @defaultValue 8 */
  readonly down?: number | undefined;
  /** @defaultValue 4 */
  readonly up?: number | undefined;
}

/**
 * Bounds what is asked of one host at once. A permit is one HTTP exchange and is held until its body has ended. The
 * lanes never wait for each other: a copy inside one host holds `down` while it waits for `up`, and one shared limit
 * would bring such copies to a standstill.
 */
export interface HostGate {
  /** Waits for a slot of the lane, first come first served. Disposing the permit twice gives back one slot. */
  enter(lane: GateLane, signal?: AbortSignal): Promise<Disposable>;
  /** Gives no new permit before `atMs`, in milliseconds since the epoch. Permits already given stay. */
  slowUntil(atMs: number): void;
}

/** A {@link HostGate} whose owner can send everyone home. */
export interface ClosableHostGate extends HostGate {
  /** Rejects those who wait now, and those who come later, with `reason`. */
  close(reason: Error): void;
}

interface Waiter {
  readonly admit: () => void;
  readonly refuse: (reason: unknown) => void;
}

interface Slots {
  free: number;
  readonly waiting: Set<Waiter>;
}

/** Makes the gate of one host. */
export function createHostGate(limits: GateLimits = {}): ClosableHostGate {
  return new Gate(limits);
}

class Gate implements ClosableHostGate {
  readonly #lanes: Readonly<Record<GateLane, Slots>>;
  #openAtMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #closed: Error | undefined;

  constructor({ meta = 8, down = 8, up = 4 }: GateLimits) {
    this.#lanes = { meta: slots(meta), down: slots(down), up: slots(up) };
  }

  enter(lane: GateLane, signal?: AbortSignal): Promise<Disposable> {
    const { waiting } = this.#lanes[lane];
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#closed) return reject(this.#closed);
      const leave = () => {
        waiting.delete(waiter);
        signal?.removeEventListener("abort", abort);
      };
      const waiter: Waiter = {
        admit: () => {
          leave();
          resolve(this.#permit(lane));
        },
        refuse: (reason) => {
          leave();
          reject(reason);
        },
      };
      const abort = () => waiter.refuse(signal?.reason);
      signal?.addEventListener("abort", abort);
      waiting.add(waiter);
      this.#admit(lane);
    });
  }

  slowUntil(atMs: number): void {
    this.#openAtMs = Math.max(this.#openAtMs, atMs);
  }

  close(reason: Error): void {
    this.#closed ??= reason;
    clearTimeout(this.#timer);
    for (const { waiting } of Object.values(this.#lanes)) {
      for (const waiter of waiting) waiter.refuse(reason);
    }
  }

  #permit(lane: GateLane): Disposable {
    const own = this.#lanes[lane];
    own.free -= 1;
    let held = true;
    return {
      [Symbol.dispose]: () => {
        if (!held) return;
        held = false;
        own.free += 1;
        this.#admit(lane);
      },
    };
  }

  #admit(lane: GateLane): void {
    const own = this.#lanes[lane];
    if (own.free <= 0 || own.waiting.size === 0) return;
    const waitMs = this.#openAtMs - Date.now();
    if (waitMs > 0) {
      this.#admitLater(waitMs);
      return;
    }
    for (const waiter of own.waiting) {
      if (own.free <= 0) return;
      waiter.admit();
    }
  }

  #admitLater(waitMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const lane of ["meta", "down", "up"] as const) this.#admit(lane);
    }, waitMs);
  }
}

function slots(limit: number): Slots {
  if (!Number.isInteger(limit) || limit < 1) throw new RangeError(`a limit must be a positive integer, not ${limit}`);
  return { free: limit, waiting: new Set() };
}
