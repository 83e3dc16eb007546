import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import type { ByteString } from "../../../layer-archive/byte-string.ts";
import { RootfsError } from "../../errors.ts";
import { atFile, fileError } from "../../file-error.ts";
import { removeTree } from "../../source/modes/remove-tree.ts";
import { hostPath } from "../host-path.ts";

/** A directory that is ours to fill: nobody else gets in until it is done. */
export interface ClaimedDirectory {
  /** As the caller named it, for messages. */
  readonly shown: string;
  /** Without links. */
  readonly path: ByteString;
  /** What it was if it was there, and empty; else it was made. */
  readonly former: Stats | undefined;
  /** Which directory it is. */
  readonly identity: string;
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
    const path = real.toString("latin1");
    return { shown, path, former, identity: identityOf(path) };
  });
}

/**
 * Makes sure that what was written is where it was to be: who may rename in the directory above can put a link in its place.
 * @throws RootfsError `FILE_FAILED`
 */
export function requireSame({ shown, path, identity }: ClaimedDirectory): void {
  if (atFile(shown, () => identityOf(path)) === identity) return;
  const message = `cannot write into ${shown}: something else was put in its place meanwhile`;
  throw new RootfsError("FILE_FAILED", message, { path: shown, reason: "ESTALE" });
}

/** Takes away what was written, and leaves a directory that was there as it was. @throws RootfsError `FILE_FAILED` */
export async function abandonDirectory(claimed: ClaimedDirectory): Promise<void> {
  const { shown, path, former } = claimed;
  if (lstatSync(hostPath(path), { throwIfNoEntry: false }) === undefined) return;
  requireSame(claimed); // nothing of anybody else's goes
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

function identityOf(path: ByteString): string {
  const { dev, ino } = lstatSync(hostPath(path), { bigint: true });
  return `${dev}:${ino}`;
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
