/** Lets work on the same key happen one after the other, and work on different keys at once. */
export class Turns<Key> {
  readonly #last: Map<Key, Promise<unknown>> = new Map();

  /** Runs `work` once all earlier work on `key` is done, well or not. */
  async run<Value>(key: Key, work: () => Promise<Value>): Promise<Value> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(work);
    const settled = turn.catch(() => {}); // a failure is its own caller's to know
    this.#last.set(key, settled);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    }
  }
}
