/** How much may be under way at a time. */
export interface SlotLimits {
  /** In all. */
  readonly total: number;
  /** With single hosts, by their names as items write them. */
  readonly perHost?: Readonly<Record<string, number>> | undefined;
  /** With each other host. @defaultValue as many as in all */
  readonly eachHost?: number | undefined;
}

interface Waiting {
  readonly host: string;
  readonly go: () => void;
}

/**
 * Leave to have something under way with a host, given in the order it is asked for; who waits for a busy host is passed
 * by those who want another. Hold a slot for one transfer, and never while waiting for anything but the host.
 */
export class HostSlots {
  readonly #limits: SlotLimits;
  readonly #busy = new Map<string, number>();
  #waiting: Waiting[] = [];
  #total = 0;

  constructor(limits: SlotLimits) {
    this.#limits = limits;
  }

  /** A slot with `host`, until it is disposed. @throws `signal.reason` */
  async take(host: string, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    if (!this.#hasRoom(host)) await this.#wait(host, signal);
    else this.#count(host, 1);
    let isHeld = true;
    return {
      [Symbol.dispose]: () => {
        if (!isHeld) return;
        isHeld = false;
        this.#count(host, -1);
        this.#callNext();
      },
    };
  }

  async #wait(host: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { host, go: resolve };
    const onAbort = () => {
      this.#waiting = this.#waiting.filter((one) => one !== waiting);
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    this.#waiting.push(waiting);
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  #callNext(): void {
    const next = this.#waiting.find(({ host }) => this.#hasRoom(host));
    if (next === undefined) return;
    this.#waiting = this.#waiting.filter((one) => one !== next);
    this.#count(next.host, 1); // now: by the time it wakes up somebody else may have come
    next.go();
  }

  #hasRoom(host: string): boolean {
    const { total, perHost = {}, eachHost = total } = this.#limits;
    const limit = Object.hasOwn(perHost, host) ? perHost[host] : undefined;
    return this.#total < total && (this.#busy.get(host) ?? 0) < Math.max(1, limit ?? eachHost);
  }

  #count(host: string, change: number): void {
    this.#total += change;
    const busy = (this.#busy.get(host) ?? 0) + change;
    if (busy === 0) this.#busy.delete(host);
    else this.#busy.set(host, busy);
  }
}
