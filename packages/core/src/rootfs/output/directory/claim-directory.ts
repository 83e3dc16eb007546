import { chmodSync, mkdirSync, readdirSync, realpathSync } from "node:fs";
import { rm } from "node:fs/promises";
import { RootfsError } from "../../errors.ts";
import { atFile, fileError } from "../../file-error.ts";
import type { ByteString } from "../../tree/inode.ts";
import { hostPath } from "../host-path.ts";

/** A directory that is ours to fill: nobody else gets in until it is done. */
export interface ClaimedDirectory {
  /** As the caller named it, for messages. */
  readonly shown: string;
  /** Without links. */
  readonly path: ByteString;
  /** Whether it was made, and not there and empty. */
  readonly isNew: boolean;
}

/**
 * Makes a directory, with those above it, or takes an empty one, and closes it to others (mode 0700).
 * @throws RootfsError `OUTPUT_EXISTS`, `FILE_FAILED`
 */
export function claimDirectory(shown: string): ClaimedDirectory {
  const isNew = atNew(shown, () => mkdirSync(shown, { recursive: true, mode: 0o700 }) !== undefined);
  const path = atFile(shown, () => {
    const real = realpathSync(shown, { encoding: "buffer" });
    if (!isNew && readdirSync(real).length > 0) throw exists(shown);
    chmodSync(real, 0o700); // takes a setgid away that it has from the directory above
    return real.toString("latin1");
  });
  return { shown, path, isNew };
}

/** Takes away what was written. @throws RootfsError `FILE_FAILED` */
export async function abandonDirectory({ shown, path, isNew }: ClaimedDirectory): Promise<void> {
  try {
    if (isNew) return await remove(path);
    for (const name of readdirSync(hostPath(path), { encoding: "latin1" })) await remove(`${path}/${name}`);
  } catch (error) {
    throw fileError(error, shown);
  }
}

async function remove(path: ByteString): Promise<void> {
  await rm(Buffer.from(path, "latin1"), { recursive: true, force: true });
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
