import { requireSpace } from "./local-error.ts";

/** Whoever will write more: how many bytes of what is laid out are not on the device yet. */
export interface SpaceNeed {
  outstandingBytes(): number;
}

/** Watches that all archives of a run together fit into what is free: each alone might. */
export class SpaceGuard {
  readonly #needs = new Set<SpaceNeed>();

  /** Counts `need` from now on, until it is let go. */
  add(need: SpaceNeed): void {
    this.#needs.add(need);
  }

  /** Counts it no more. */
  remove(need: SpaceNeed): void {
    this.#needs.delete(need);
  }

  /** @throws MirrorError `NO_SPACE` when the folder of `path` cannot take what everybody still has to write */
  check(path: string): void {
    let needed = 0;
    for (const need of this.#needs) needed += need.outstandingBytes();
    requireSpace(path, needed);
  }
}
