import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { IncomingMessage, ServerResponse } from "node:http";

/** How many requests a server had in hand while it was watched, from the first one's arrival to the end of the last. */
export interface InFlightReport {
  readonly requests: number;
  /** The number that half of the time was reached. */
  readonly median: number;
  readonly most: number;
  /** Spells without any, in milliseconds, longest first. */
  readonly idleMs: readonly number[];
  readonly elapsedMs: number;
}

/** Counts what HTTP servers of this process have in hand at `host`, such as `127.0.0.1:5000`, until it is disposed. */
export class RequestsInFlight implements Disposable {
  readonly #host: string;
  readonly #changes: { readonly atMs: number; readonly count: number }[] = [];
  #count = 0;
  #requests = 0;

  constructor(host: string) {
    this.#host = host;
    subscribe("http.server.request.start", this.#start);
  }

  /** What was seen so far. */
  report(): InFlightReport {
    const spells = this.#changes.map(({ atMs, count }, at) => ({
      count,
      ms: (this.#changes[at + 1]?.atMs ?? atMs) - atMs,
    }));
    const elapsedMs = spells.reduce((sum, { ms }) => sum + ms, 0);
    const reached = (count: number) => spells.reduce((sum, one) => sum + (one.count >= count ? one.ms : 0), 0);
    const idleMs = spells.flatMap(({ count, ms }) => (count === 0 && ms > 0 ? ms : [])).sort((a, b) => b - a);
    const most = Math.max(0, ...this.#changes.map(({ count }) => count));
    const counts = Array.from({ length: most }, (_, at) => most - at);
    const median = counts.find((count) => reached(count) >= elapsedMs / 2) ?? 0;
    return { requests: this.#requests, median, most, idleMs, elapsedMs };
  }

  [Symbol.dispose](): void {
    unsubscribe("http.server.request.start", this.#start);
  }

  readonly #start = (message: unknown): void => {
    const { request, response } = message as { readonly request: IncomingMessage; readonly response: ServerResponse };
    if (request.headers.host !== this.#host) return;
    this.#requests += 1;
    this.#change(1);
    response.once("close", () => this.#change(-1));
  };

  #change(by: number): void {
    this.#count += by;
    this.#changes.push({ atMs: performance.now(), count: this.#count });
  }
}
