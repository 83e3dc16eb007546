import * as z from "zod";
import { compareBytes } from "../json.ts";
import { requireVersion } from "./own-file.ts";

/** The version of the file that this code reads and writes. */
export const stateVersion = 1;

const stateFile = z.object({
  version: z.literal(stateVersion),
  // a record would lose the key __proto__
  entries: z.custom<object>((value) => typeof value === "object" && value !== null && !Array.isArray(value)),
});

/**
 * What is known locally of a cache's content: JSON values by key, such as `manifest/components` or `item/ID`. It is saved
 * with the cache, now and then while it changes, and with every commit.
 */
export class CacheState {
  readonly #entries: Map<string, string>; // as JSON: nobody shares a value with what is kept
  #changes = 0;
  #saved = 0;

  constructor(entries: ReadonlyMap<string, string> = new Map()) {
    this.#entries = new Map(entries);
  }

  /** What {@link CacheState.snapshot} gave. @throws DepsError `CACHE_VERSION`; others for what is no such text */
  static parse(text: string, path: string): CacheState {
    const json: unknown = JSON.parse(text);
    requireVersion(json, stateVersion, path);
    const { entries } = stateFile.parse(json);
    return new CacheState(
      new Map(Object.entries(entries).map(([key, value]: [string, unknown]) => [key, JSON.stringify(value)])),
    );
  }

  /** The value of a key, a copy of its own; `undefined` when it has none. Check it before use: older versions wrote it too. */
  get(key: string): unknown {
    const found = this.#entries.get(key);
    return found === undefined ? undefined : JSON.parse(found);
  }

  /** Gives a key a value that JSON can hold. @throws TypeError for one it cannot, such as `undefined` or a bigint */
  set(key: string, value: unknown): void {
    const json: string | undefined = JSON.stringify(value);
    if (json === undefined) throw new TypeError(`the value of ${key} cannot be kept as JSON`);
    if (this.#entries.get(key) === json) return;
    this.#entries.set(key, json);
    this.#changes += 1;
  }

  /** Forgets a key. */
  delete(key: string): void {
    if (this.#entries.delete(key)) this.#changes += 1;
  }

  /** The keys that begin with `prefix`, sorted by their bytes, and their values. */
  *entries(prefix = ""): Generator<readonly [key: string, value: unknown]> {
    for (const key of this.#sortedKeys()) if (key.startsWith(prefix)) yield [key, this.get(key)];
  }

  /** @internal */
  get isChanged(): boolean {
    return this.#changes !== this.#saved;
  }

  /** All of it as it is saved, and what to call once that is on the disk. @internal */
  snapshot(): { readonly text: string; readonly onSaved: () => void } {
    const changes = this.#changes;
    const lines = this.#sortedKeys().map((key) => `${JSON.stringify(key)}: ${this.#entries.get(key)}`);
    const entries = lines.length === 0 ? "{}" : `{\n${lines.join(",\n")}\n}`;
    return {
      text: `{"version": ${stateVersion}, "entries": ${entries}}\n`,
      onSaved: () => {
        this.#saved = changes;
      },
    };
  }

  #sortedKeys(): readonly string[] {
    return [...this.#entries.keys()].sort(compareBytes);
  }
}
