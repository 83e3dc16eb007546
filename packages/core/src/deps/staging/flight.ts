/**
 * The fetching of one content, and its file until that is gone: others who want the same meanwhile take it from there.
 */
export class Flight {
  readonly #landed = Promise.withResolvers<string | undefined>();
  readonly #over = Promise.withResolvers<undefined>();
  readonly #sharing: Promise<unknown>[] = [];
  #isLeaving = false;

  /** Takes from the file what `share` makes of its path; `undefined` when nothing came of it, or it is gone. */
  async join<Value>(share: (path: string) => Promise<Value>): Promise<Value | undefined> {
    if (this.#isLeaving) return this.#over.promise;
    const shared = this.#landed.promise.then((path) => (path === undefined ? undefined : share(path)));
    this.#sharing.push(shared.catch(() => {})); // known before the file is moved
    return shared;
  }

  /** The content is at `path`; or, without one, it failed. */
  land(path: string | undefined): void {
    this.#landed.resolve(path);
  }

  /** Takes no more who share it, and waits until those who do have what they want. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    await Promise.all(this.#sharing);
  }

  /** Nobody has the file's name any more. */
  end(): void {
    this.#over.resolve(undefined);
  }
}
