import { seededRandom } from "../support/random.ts";

/** Random choices that are the same for the same seed. */
export class Choice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** A whole number from 0 up to, not including, `end`. */
  below(end: number): number {
    return Math.floor(this.#random() * end);
  }

  /** Whether something of the given chance happens. */
  happens(chance: number): boolean {
    return this.#random() < chance;
  }

  /** One of `items`. @throws Error when there are none */
  of<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error("there is nothing to choose from");
    return item;
  }
}
