import type { OnDepsEvent } from "../events.ts";
import { abortedFailure } from "../failure-of.ts";
import type { ItemNames } from "./item-names.ts";

/** The items that were told of and not yet how they ended: where the work breaks off, they are told as failed. */
export class OpenItems {
  readonly #onEvent: OnDepsEvent | undefined;
  readonly #open = new Set<ItemNames>();

  constructor(onEvent: OnDepsEvent | undefined) {
    this.#onEvent = onEvent;
  }

  begin(names: ItemNames): void {
    this.#open.add(names);
  }

  end(names: ItemNames): void {
    this.#open.delete(names);
  }

  /** Does the work in which they begin and end. @throws what it throws */
  async during(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      for (const names of this.#open) this.#onEvent?.({ type: "failed", ...names, error: abortedFailure(names.item) });
      throw error;
    }
  }
}
