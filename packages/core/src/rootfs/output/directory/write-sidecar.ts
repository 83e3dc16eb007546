import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { atFile } from "../../file-error.ts";
import { sidecarText } from "./sidecar.ts";
import type { Unapplied } from "./unapplied.ts";

/** What a directory lacks, written under another name until the directory is done. Hold it with `using`. */
export class PendingSidecar implements Disposable {
  readonly #path: string;
  #temporary: string | undefined;

  /** Writes it beside `path`, if there is anything to tell. @throws RootfsError `FILE_FAILED`, `NO_SPACE` */
  constructor(path: string, unapplied: Unapplied) {
    this.#path = path;
    if (unapplied.size === 0) return;
    const temporary = `${path}.${process.pid}-${Math.random().toString(36).slice(2, 10)}.tmp`;
    atFile(path, () => {
      const descriptor = openSync(temporary, "wx", 0o644);
      this.#temporary = temporary;
      try {
        for (const piece of sidecarText(unapplied)) writeFileSync(descriptor, piece);
        fsyncSync(descriptor);
      } catch (error) {
        this[Symbol.dispose]();
        throw error;
      } finally {
        closeSync(descriptor);
      }
    });
  }

  /** Gives it its name; with nothing to tell, what is there from before goes. @throws RootfsError `FILE_FAILED` */
  publish(): void {
    const temporary = this.#temporary;
    if (temporary === undefined) atFile(this.#path, () => rmSync(this.#path, { force: true }));
    else atFile(this.#path, () => renameSync(temporary, this.#path));
    this.#temporary = undefined;
  }

  /** Takes it away unless it was published. */
  [Symbol.dispose](): void {
    if (this.#temporary !== undefined) rmSync(this.#temporary, { force: true });
    this.#temporary = undefined;
  }
}
