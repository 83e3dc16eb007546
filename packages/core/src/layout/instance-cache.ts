/** Idle values kept at hand. */
const maxRecent = 256;

/**
 * Gives one value for a key to all who use it at the same time, however long they do, and keeps the latest few that
 * nobody uses. Bounded: asking for any number of keys leaves nothing behind.
 */
export class InstanceCache<Value extends object> {
  readonly #recent: Map<string, Value> = new Map();
  readonly #used: Map<string, WeakRef<Value>> = new Map();
  readonly #gone: FinalizationRegistry<string> = new FinalizationRegistry((key) => {
    if (this.#used.get(key)?.deref() === undefined) this.#used.delete(key);
  });

  get(key: string, make: () => Value): Value {
    const value = this.#used.get(key)?.deref() ?? this.#add(key, make());
    this.#recent.delete(key);
    this.#recent.set(key, value);
    for (const oldest of this.#recent.keys()) {
      if (this.#recent.size <= maxRecent) break;
      this.#recent.delete(oldest);
    }
    return value;
  }

  #add(key: string, value: Value): Value {
    this.#used.set(key, new WeakRef(value));
    this.#gone.register(value, key);
    return value;
  }
}
