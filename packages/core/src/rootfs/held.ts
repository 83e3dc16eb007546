/** What has to go when something else does, the newest first. Node 22 has no `AsyncDisposableStack`. */
export class Held implements AsyncDisposable {
  #all: AsyncDisposable[] = [];

  /** Holds `one` until this is disposed of. */
  use<One extends AsyncDisposable>(one: One): One {
    this.#all.push(one);
    return one;
  }

  /** All it holds, in other hands: this holds nothing afterwards. */
  move(): Held {
    const moved = new Held();
    [moved.#all, this.#all] = [this.#all, []];
    return moved;
  }

  /** Disposes of all of it, whatever fails on the way. @throws the first failure */
  async [Symbol.asyncDispose](): Promise<void> {
    const failures: unknown[] = [];
    for (const one of this.#all.splice(0).reverse()) {
      await Promise.resolve(one[Symbol.asyncDispose]()).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }
}
