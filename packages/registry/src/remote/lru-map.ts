/** A map that keeps only so many entries: the one that was not used for longest goes first. */
export class LruMap<Value> {
  readonly #limit: number;
  readonly #entries = new Map<string, Value>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** The value of `key`, which thereby was used. */
  get(key: string): Value | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  set(key: string, value: Value): void {
    this.#entries.delete(key); // so that it goes to the end: a map keeps the order of insertion
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#limit) return;
    for (const oldest of this.#entries.keys()) {
      this.#entries.delete(oldest);
      return;
    }
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  /** All entries, the one that was not used for longest first. Looking is not using. */
  entries(): IterableIterator<[string, Value]> {
    return this.#entries.entries();
  }
}
