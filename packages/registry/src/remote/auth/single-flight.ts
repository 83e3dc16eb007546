interface Flight<Value> {
  readonly landing: Promise<Value>;
  readonly abort: AbortController;
  waiting: number;
}

/** Does the same work once for all who want it at the same time. What it gives is not kept. */
export class SingleFlight<Value> {
  readonly #flights = new Map<string, Flight<Value>>();

  /**
   * What `work` gives, or what an earlier one under the same key gives that is still on its way. Who aborts leaves
   * alone, with `signal.reason`; the work is aborted once all have left.
   */
  async join(key: string, work: (signal: AbortSignal) => Promise<Value>, signal?: AbortSignal): Promise<Value> {
    signal?.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#start(key, work);
    flight.waiting += 1;
    try {
      return await leaveOnAbort(flight.landing, signal);
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0 && this.#flights.get(key) === flight) {
        this.#flights.delete(key); // who comes now does not want work that was given up
        flight.abort.abort();
      }
    }
  }

  #start(key: string, work: (signal: AbortSignal) => Promise<Value>): Flight<Value> {
    const abort = new AbortController();
    const flight: Flight<Value> = { landing: work(abort.signal), abort, waiting: 0 };
    this.#flights.set(key, flight);
    const landed = () => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    flight.landing.then(landed, landed);
    return flight;
  }
}

function leaveOnAbort<Value>(work: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    const settled = () => signal.removeEventListener("abort", leave);
    work.then(resolve, reject).then(settled, settled);
  });
}
