/** Numbers, taken out smallest first; both ways cost the logarithm of how many wait. */
export class ReadyQueue {
  readonly #heap: number[] = [];

  get size(): number {
    return this.#heap.length;
  }

  add(value: number): void {
    let at = this.#heap.push(value) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#at(parent);
      if (above <= value) break;
      this.#heap[at] = above;
      at = parent;
    }
    this.#heap[at] = value;
  }

  /** Takes the smallest out; `undefined` when there is none. */
  take(): number | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || this.#heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      const smaller = this.#at(left + 1) < this.#at(left) ? left + 1 : left;
      const below = this.#at(smaller);
      if (below >= last) break;
      this.#heap[at] = below;
      at = smaller;
    }
    this.#heap[at] = last;
    return first;
  }

  #at(index: number): number {
    return this.#heap[index] ?? Number.POSITIVE_INFINITY;
  }
}
