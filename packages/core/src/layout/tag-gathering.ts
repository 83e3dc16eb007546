import type { LayoutDirectory } from "./layout-directory.ts";

/**
 * Lets the layouts of a registry gather the tags they are given, and write many of them into an `index.json` at once: a
 * file that is written anew for every tag costs the square of their number.
 */
export class TagGathering {
  #users = 0;
  /** By the repository whose layout it is: both stay the ones that are used, whoever else forgets them. */
  readonly #directories = new Map<object, LayoutDirectory>();

  /** Whether somebody has begun and not ended. */
  get isOn(): boolean {
    return this.#users > 0;
  }

  /** Takes note of a layout with tags to be written. */
  note(repository: object, directory: LayoutDirectory): void {
    this.#directories.set(repository, directory);
  }

  begin(): void {
    this.#users += 1;
  }

  /** Writes what was gathered. @throws MirrorError `NO_SPACE`, `FILE_FAILED`, `LAYOUT_INVALID` */
  async end(): Promise<void> {
    this.#users -= 1;
    const directories = [...this.#directories.values()];
    this.#directories.clear();
    for (const directory of directories) await directory.writeTags();
  }
}
