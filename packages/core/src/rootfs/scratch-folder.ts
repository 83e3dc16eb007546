import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import type { OnRootfsEvent } from "./events.ts";
import { fileError } from "./file-error.ts";

/** A folder of this user's alone for what is in the making. It goes, with all that is in it, when it is disposed of. */
export class ScratchFolder implements AsyncDisposable {
  readonly path: string;
  readonly #onEvent: OnRootfsEvent | undefined;

  private constructor(path: string, onEvent: OnRootfsEvent | undefined) {
    this.path = path;
    this.#onEvent = onEvent;
  }

  /** Makes one in `parent`, which is there. @throws RootfsError `FILE_FAILED`, `NO_SPACE` */
  static async create(parent: string, onEvent?: OnRootfsEvent): Promise<ScratchFolder> {
    try {
      return new ScratchFolder(await mkdtemp(join(parent, ".tranship-rootfs-")), onEvent); // of mode 0700
    } catch (error) {
      throw fileError(error, parent);
    }
  }

  /** Removes it; what cannot be removed is told as a warning. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await rm(this.path, { recursive: true, force: true });
    } catch (error) {
      const message = `cannot remove ${this.path}: ${error instanceof Error ? error.message : String(error)}`;
      this.#onEvent?.({ type: "warning", warning: { code: "CLEANUP_FAILED", message } });
    }
  }
}
