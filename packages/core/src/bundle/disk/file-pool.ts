import { type FileHandle, open, stat } from "node:fs/promises";
import { MirrorError } from "../../errors.ts";
import { localError } from "./local-error.ts";

/** A file as it was when it was found; `size` is in bytes. */
export interface PooledFile {
  readonly path: string;
  readonly size: number;
  readonly modifiedMs: number;
}

/** A file that is not the one that was found. */
export class FileChanged extends Error {
  override readonly name = "FileChanged";
  readonly path: string;

  constructor(path: string) {
    super(`${path} was replaced or changed while it was in use`);
    this.path = path;
  }
}

interface OpenFile {
  readonly handle: Promise<FileHandle>;
  users: number;
}

/** FAT keeps times to two seconds, and the kernel remembers them better than the medium for a while. */
const timeGrainMs = 2000;

/** Reads any number of files with few of them open at a time: a bundle may have thousands of chunks. */
export class FilePool implements AsyncDisposable {
  readonly #maxOpen: number;
  /** By path, in the order of their last use. */
  readonly #open = new Map<string, OpenFile>();
  #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor(maxOpen = 16) {
    this.#maxOpen = maxOpen;
  }

  /** Looks a file up without opening it. Links are followed. @throws MirrorError `FILE_FAILED` */
  static async find(path: string): Promise<PooledFile> {
    try {
      const found = await stat(path);
      if (found.isFIFO() || found.isCharacterDevice()) throw Object.assign(new Error("a pipe"), { code: "ESPIPE" });
      return { path, size: found.size, modifiedMs: found.mtimeMs };
    } catch (error) {
      throw localError(error, path);
    }
  }

  /**
   * Makes sure that the file at the path is still the one that was found: one that is kept open would go on giving the
   * bytes of a file that was replaced. @throws FileChanged; MirrorError `FILE_FAILED`
   */
  static async requireSame(file: PooledFile): Promise<void> {
    if (!isSame(file, await FilePool.find(file.path))) throw new FileChanged(file.path);
  }

  /** Fills `into` from `at` on; gives how many bytes there were. @throws FileChanged; MirrorError `FILE_FAILED` */
  async read(file: PooledFile, into: Uint8Array, at: number): Promise<number> {
    const opened = await this.#take(file);
    try {
      return (await (await opened.handle).read(into, 0, into.byteLength, at)).bytesRead;
    } catch (error) {
      if (error instanceof FileChanged) throw error;
      throw this.#isClosed ? closed(file.path) : localError(error, file.path);
    } finally {
      opened.users -= 1;
      this.#wake();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#wake();
    const files = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(files.map(close));
  }

  /** An open file that stays so until its user is gone. */
  async #take(file: PooledFile): Promise<OpenFile> {
    for (;;) {
      if (this.#isClosed) throw closed(file.path);
      const known = this.#open.get(file.path);
      const idle = known || this.#open.size < this.#maxOpen ? undefined : this.#takeIdle();
      if (known || idle || this.#open.size < this.#maxOpen) {
        const taken = known ?? { handle: this.#openAfter(idle, file), users: 0 };
        taken.users += 1;
        this.#open.delete(file.path);
        this.#open.set(file.path, taken);
        return taken;
      }
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #takeIdle(): OpenFile | undefined {
    for (const [path, file] of this.#open) {
      if (file.users > 0) continue;
      this.#open.delete(path);
      return file;
    }
    return undefined;
  }

  #openAfter(idle: OpenFile | undefined, file: PooledFile): Promise<FileHandle> {
    const handle = (idle ? close(idle) : Promise.resolve()).then(() => openSame(file));
    handle.catch(() => this.#open.delete(file.path)); // the next reader tries again
    return handle;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

async function openSame(file: PooledFile): Promise<FileHandle> {
  const handle = await open(file.path, "r");
  try {
    const { size, mtimeMs } = await handle.stat();
    if (!isSame(file, { size, modifiedMs: mtimeMs })) throw new FileChanged(file.path);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

function isSame(file: PooledFile, now: Pick<PooledFile, "size" | "modifiedMs">): boolean {
  return now.size === file.size && Math.abs(now.modifiedMs - file.modifiedMs) <= timeGrainMs;
}

async function close({ handle }: OpenFile): Promise<void> {
  try {
    await (await handle).close();
  } catch {} // it never opened, or there is nothing left to lose: it was only read
}

function closed(path: string): MirrorError<"FILE_FAILED"> {
  return new MirrorError("FILE_FAILED", `cannot read ${path}: its bundle was closed`, { path, reason: "EBADF" });
}
