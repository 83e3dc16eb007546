import { chmodSync, chownSync, mkdirSync, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { RootfsError } from "../../errors.ts";
import { atFile, fileError } from "../../file-error.ts";
import { removeTree } from "../../source/modes/remove-tree.ts";
import type { ByteString } from "../../tree/inode.ts";
import { hostPath } from "../host-path.ts";

/** A directory that is ours to fill: nobody else gets in until it is done. */
export interface ClaimedDirectory {
  /** As the caller named it, for messages. */
  readonly shown: string;
  /** Without links. */
  readonly path: ByteString;
  /** What it was if it was there, and empty; else it was made. */
  readonly former: Stats | undefined;
}

/**
 * Makes a directory, with those above it, or takes an empty one, and closes it to others (mode 0700).
 * @throws RootfsError `OUTPUT_EXISTS`, `FILE_FAILED`
 */
export function claimDirectory(shown: string): ClaimedDirectory {
  const isNew = atNew(shown, () => mkdirSync(shown, { recursive: true, mode: 0o700 }) !== undefined);
  return atFile(shown, () => {
    const real = realpathSync(shown, { encoding: "buffer" });
    const former = isNew ? undefined : statSync(real);
    if (former && readdirSync(real).length > 0) throw exists(shown);
    chmodSync(real, 0o700); // takes a setgid away that it has from the directory above
    return { shown, path: real.toString("latin1"), former };
  });
}

/** Takes away what was written, and leaves a directory that was there as it was. @throws RootfsError `FILE_FAILED` */
export async function abandonDirectory({ shown, path, former }: ClaimedDirectory): Promise<void> {
  try {
    if (!former) return await remove(path);
    for (const name of readdirSync(hostPath(path), { encoding: "latin1" })) await remove(`${path}/${name}`);
    const { uid, gid } = statSync(hostPath(path));
    if (uid !== former.uid || gid !== former.gid) chownSync(hostPath(path), former.uid, former.gid);
    chmodSync(hostPath(path), former.mode & 0o7777);
  } catch (error) {
    throw fileError(error, shown);
  }
}

async function remove(path: ByteString): Promise<void> {
  await removeTree(Buffer.from(path, "latin1"));
}

function atNew<T>(shown: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw code === "EEXIST" || code === "ENOTDIR" ? exists(shown, error) : fileError(error, shown);
  }
}

function exists(path: string, cause?: unknown): RootfsError {
  const message = `cannot write into ${path}: it is there and not an empty directory`;
  return new RootfsError("OUTPUT_EXISTS", message, { path }, { cause });
}
