import { randomUUID } from "node:crypto";
import { mkdtemp, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { removeDeadFolders, removeScratch, scratchNames } from "./dead-folders.ts";
import type { OnRootfsEvent } from "./events.ts";
import { fileError } from "./file-error.ts";
import { ownerHere } from "./store/build-owner.ts";

/** Options of {@link ScratchFolder.create}. */
export interface ScratchOptions {
  readonly onEvent?: OnRootfsEvent | undefined;
  /** The name, in the same parent, of what is moved into it for a moment, as `replaced`. @defaultValue nothing is */
  readonly replaces?: string | undefined;
}

/** A folder of this user's alone for what is in the making. It goes, with all that is in it, when it is disposed of. */
export class ScratchFolder implements AsyncDisposable {
  readonly path: string;
  readonly #onEvent: OnRootfsEvent | undefined;

  private constructor(path: string, onEvent: OnRootfsEvent | undefined) {
    this.path = path;
    this.#onEvent = onEvent;
  }

  /**
   * Makes one in `parent`, which is there. Those of processes that were killed go first.
   * @throws RootfsError `FILE_FAILED`, `NO_SPACE`
   */
  static async create(parent: string, { onEvent, replaces }: ScratchOptions = {}): Promise<ScratchFolder> {
    await removeDeadFolders(parent);
    let folder: ScratchFolder | undefined;
    try {
      folder = new ScratchFolder(await mkdtemp(join(parent, scratchNames.prefix)), onEvent); // of mode 0700
      const owner = { ...(await ownerHere(randomUUID(), Date.now())), replaces };
      await writeFile(join(folder.path, scratchNames.owner), JSON.stringify(owner), { flag: "wx", mode: 0o600 });
      return folder;
    } catch (error) {
      await folder?.[Symbol.asyncDispose]();
      throw fileError(error, parent);
    }
  }

  /** Where what it replaces is for a moment. */
  get replaced(): string {
    return join(this.path, scratchNames.replaced);
  }

  /** Removes it; what cannot be removed is told as a warning. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await removeScratch(this.path);
    } catch (error) {
      const message = `cannot remove ${this.path}: ${error instanceof Error ? error.message : String(error)}`;
      this.#onEvent?.({ type: "warning", warning: { code: "CLEANUP_FAILED", message } });
    }
  }
}
