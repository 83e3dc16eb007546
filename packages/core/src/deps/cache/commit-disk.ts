import { lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { syncFolder } from "../../bundle/disk/sync-folder.ts";
import { onDisk } from "../file-error.ts";
import { isMissing } from "./is-missing.ts";

/** The steps that a commit is made of. */
export interface CommitDisk {
  /** Makes a folder and those it is in. */
  makeFolder(path: string): Promise<void>;
  /** Writes a new file; its bytes are on the device afterwards. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** The names in a folder are on the device afterwards. */
  sync(folder: string): Promise<void>;
  /** Removes a file, or a folder with all that is in it; nothing where there is none. */
  remove(path: string): Promise<void>;
}

/** The steps as they are. @throws DepsError `FILE_FAILED`, `NO_SPACE` */
export const localDisk: CommitDisk = {
  async makeFolder(path) {
    await onDisk(path, () => mkdir(path, { recursive: true }));
  },
  async write(path, bytes) {
    await onDisk(path, async () => {
      const file = await open(path, "w");
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
    });
  },
  async rename(from, to) {
    await onDisk(to, () => rename(from, to));
  },
  async sync(folder) {
    await onDisk(folder, async () => syncFolder(folder));
  },
  async remove(path) {
    await onDisk(path, () => rm(path, { recursive: true, force: true }));
  },
};

/** What is at `path` itself, links not followed; `undefined` for nothing. @throws DepsError `FILE_FAILED` */
export async function kindOf(path: string): Promise<"file" | "folder" | "other" | undefined> {
  return await onDisk(path, async () => {
    try {
      const found = await lstat(path);
      return found.isFile() ? "file" : found.isDirectory() ? "folder" : "other";
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  });
}
