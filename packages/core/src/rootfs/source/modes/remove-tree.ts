import { chmod, readdir, rm } from "node:fs/promises";
import { fileError } from "../../file-error.ts";

/**
 * Removes a folder with all below it, also where an image's modes keep its owner from entering or changing folders. What is
 * not there is fine.
 * @throws RootfsError `FILE_FAILED`
 */
export async function removeTree(path: string | Buffer): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EPERM") throw fileError(error, String(path));
    await openFolders(path);
    try {
      await rm(path, { recursive: true, force: true });
    } catch (cause) {
      throw fileError(cause, String(path));
    }
  }
}

/** Lets the owner into every folder; names are bytes, and links are not followed. */
async function openFolders(path: string | Buffer): Promise<void> {
  const waiting = [Buffer.from(path)];
  for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
    try {
      await chmod(folder, 0o700);
      for (const entry of await readdir(folder, { withFileTypes: true, encoding: "buffer" })) {
        if (entry.isDirectory()) waiting.push(Buffer.concat([folder, Buffer.from("/"), entry.name]));
      }
    } catch {
      // somebody else's: removing it tells why
    }
  }
}
