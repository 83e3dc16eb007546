import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileError } from "../../file-error.ts";

/** A temporary folder that only its owner may enter (0700), for what others must not read. */
export class PrivateFolder implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Makes one whose name begins with `prefix`. @throws RootfsError `FILE_FAILED`, `NO_SPACE` */
  static async make(prefix: string): Promise<PrivateFolder> {
    const place = join(tmpdir(), prefix);
    try {
      return new PrivateFolder(await mkdtemp(place)); // its mode is 0700
    } catch (error) {
      throw fileError(error, place);
    }
  }

  /** Writes a file only its owner may read (0600); gives its path. @throws RootfsError `FILE_FAILED`, `NO_SPACE` */
  async write(name: string, content: string): Promise<string> {
    const path = join(this.path, name);
    try {
      await writeFile(path, content, { mode: 0o600, flag: "wx" });
    } catch (error) {
      throw fileError(error, path);
    }
    return path;
  }

  /** Removes it with all it holds; again, and after it is gone, that is nothing. */
  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
  }
}
