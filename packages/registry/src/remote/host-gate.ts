import { RequestPacer } from "./request-pacer.ts";
import { longestTimerMs } from "./sleep.ts";
import { WaitingLine } from "./waiting-line.ts";

/** What a permit is for: small requests, downloads of blobs, or uploads of blobs. Each has its own slots. */
export type GateLane = "meta" | "down" | "up";

/** How much is asked of one host: at once, per lane, and in a second. */
export interface GateLimits {
  /** Small requests at once. @defaultValue 8 */
  readonly meta?: number | undefined;
  /** Downloads at once. @defaultValue 8 */
  readonly down?: number | undefined;
  /** Uploads at once. @defaultValue 4 */
  readonly up?: number | undefined;
  /** Requests begun in a second, of all lanes together; a fifth of them may come at once. @defaultValue unlimited */
  readonly requestsPerSecond?: number | undefined;
  /** Bytes of bodies in a second, of both directions together. @defaultValue unlimited */
  readonly bytesPerSecond?: number | undefined;
}

/**
 * Bounds what is asked of one host. A permit is one HTTP exchange and is held until its body has ended. The lanes
 * never wait for each other: a copy inside one host holds `down` while it waits for `up`, and one shared limit would
 * bring such copies to a standstill.
 *
 * Whoever holds `up` must wait for no slot at all. A download that feeds an upload and breaks therefore keeps its
 * `down` slot ({@link reserve}) and only waits for its {@link turn} to ask again.
 */
export interface HostGate {
  /** Waits for a slot of the lane and for the turn. Disposing the permit twice gives back one slot. */
  enter(lane: GateLane, signal?: AbortSignal): Promise<Disposable>;
  /** Waits for a slot alone, first come first served within the lane: every request under it waits for its own turn. */
  reserve(lane: GateLane, signal?: AbortSignal): Promise<Disposable>;
  /**
   * Waits until one more request may begin: not while the host asked for rest, and no faster than the limit. First
   * come first served over all lanes; as every lane's slots are few, none can keep the others waiting for long.
   */
  turn(signal?: AbortSignal): Promise<void>;
  /**
   * Lets no request begin before `atMs`, in milliseconds since the epoch; what has begun goes on. Gives whether that
   * is news: the host was not asked to rest, or not nearly for so long.
   */
  slowUntil(atMs: number): boolean;
  /** Takes note that the host did something else than ask for rest. */
  answered(): void;
  /**
   * Sends home, with {@link LineTooLong}, who by the end of the rest has waited longer than `patienceMs` in which the host did
   * nothing but ask for rest. As long as it lets anybody in, waiting is waiting for one's turn.
   */
  dismissAfter(patienceMs: number): void;
}

/** Whoever waits is sent home: the host lets nobody in. */
export class LineTooLong extends Error {
  override readonly name = "LineTooLong";
  /** How long the host wanted everybody to wait in all, in milliseconds. */
  readonly restMs: number;

  constructor(restMs: number) {
    super(`the host has asked for rest for ${Math.ceil(restMs / 1000)} s`);
    this.restMs = restMs;
  }
}

/** A {@link HostGate} whose owner can send everyone home. */
export interface ClosableHostGate extends HostGate {
  /** Rejects those who wait now, and those who come later, with `reason`. */
  close(reason: Error): void;
}

interface Slots {
  free: number;
  readonly waiting: WaitingLine;
}

/** Answers to requests sent together ask for rest one after another; so much later is the same rest. */
const sameRestMs = 1000;

/**
 * Makes the gate of one host.
 * @throws RangeError when a limit is not positive, or slots are not whole
 */
export function createHostGate(limits: GateLimits = {}): ClosableHostGate {
  return new Gate(limits);
}

class Gate implements ClosableHostGate {
  readonly #lanes: Readonly<Record<GateLane, Slots>>;
  readonly #turns: WaitingLine = new WaitingLine(() => this.#stopTimerWhenNobodyWaits());
  readonly #pacer: RequestPacer | undefined;
  /** On the clock that only goes forward, as all times here. */
  #openAtMs = 0;
  /** Since when the host has done nothing but ask for rest. */
  #restingSinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed: Error | undefined;

  constructor({ meta = 8, down = 8, up = 4, requestsPerSecond }: GateLimits) {
    this.#lanes = { meta: slots(meta), down: slots(down), up: slots(up) };
    this.#pacer = requestsPerSecond === undefined ? undefined : new RequestPacer(requestsPerSecond);
  }

  async enter(lane: GateLane, signal?: AbortSignal): Promise<Disposable> {
    const permit = await this.reserve(lane, signal);
    try {
      await this.turn(signal);
      return permit;
    } catch (error) {
      permit[Symbol.dispose]();
      throw error;
    }
  }

  async reserve(lane: GateLane, signal?: AbortSignal): Promise<Disposable> {
    if (this.#closed) throw this.#closed;
    const own = this.#lanes[lane];
    const waiting = own.waiting.wait(signal);
    if (own.free > 0 && own.waiting.admit()) own.free -= 1;
    await waiting;
    return permitOf(own);
  }

  async turn(signal?: AbortSignal): Promise<void> {
    if (this.#closed) throw this.#closed;
    const waiting = this.#turns.wait(signal);
    this.#admit();
    await waiting;
  }

  slowUntil(atMs: number): boolean {
    const before = this.#openAtMs;
    const nowMs = performance.now();
    this.#restingSinceMs ??= nowMs;
    this.#openAtMs = Math.max(before, nowMs + (atMs - Date.now()));
    return this.#openAtMs - Math.max(before, nowMs) > (before > nowMs ? sameRestMs : 0);
  }

  answered(): void {
    this.#restingSinceMs = undefined;
  }

  dismissAfter(patienceMs: number): void {
    const beganMs = this.#restingSinceMs ?? this.#openAtMs;
    const reason = new LineTooLong(this.#openAtMs - beganMs);
    const isOver = (sinceMs: number) => this.#openAtMs - Math.max(sinceMs, beganMs) > patienceMs;
    for (const line of this.#lines()) line.refuse(reason, isOver);
  }

  close(reason: Error): void {
    this.#closed ??= reason;
    for (const line of this.#lines()) line.refuse(reason);
  }

  #lines(): readonly WaitingLine[] {
    return [this.#turns, ...Object.values(this.#lanes).map(({ waiting }) => waiting)];
  }

  #admit(): void {
    while (!this.#turns.isEmpty) {
      const nowMs = performance.now();
      const waitMs = Math.max(this.#openAtMs - nowMs, this.#pacer?.waitMs(nowMs) ?? 0);
      if (waitMs > 0) {
        this.#admitLater(waitMs);
        return;
      }
      this.#pacer?.take(nowMs);
      this.#turns.admit();
    }
  }

  #admitLater(waitMs: number): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#admit();
      },
      Math.min(Math.ceil(waitMs), longestTimerMs),
    );
  }

  /** A rest nobody waits for must not keep the process alive. */
  #stopTimerWhenNobodyWaits(): void {
    if (!this.#turns.isEmpty) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}

function permitOf(slots: Slots): Disposable {
  let held = true;
  return {
    [Symbol.dispose]: () => {
      if (!held) return;
      held = false;
      if (!slots.waiting.admit()) slots.free += 1; // else the slot goes on to the next in line
    },
  };
}

function slots(limit: number): Slots {
  if (!Number.isInteger(limit) || limit < 1) throw new RangeError(`a limit must be a positive integer, not ${limit}`);
  return { free: limit, waiting: new WaitingLine() };
}
