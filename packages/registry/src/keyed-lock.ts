/** Runs work of the same key one after another, and of different keys at once. */
export class KeyedLock {
  readonly #tails: Map<string, Promise<unknown>> = new Map();

  async run<Value>(key: string, work: () => Promise<Value>): Promise<Value> {
    const turn = (this.#tails.get(key) ?? Promise.resolve()).then(work);
    const tail = turn.catch(() => undefined); // what became of it is its caller's business
    this.#tails.set(key, tail);
    try {
      return await turn;
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }
}
