import { isDepsError } from "../errors.ts";
import { type GitAddress, urlToKeep } from "./git-address.ts";
import {
  hasLinks,
  isMirror,
  nameBeside,
  putInPlace,
  remove,
  removeLeftovers,
  removeLocks,
  writeConfig,
} from "./mirror-folder.ts";
import { type GitRun, runGit } from "./run-git.ts";

/** A repository and the folder it is mirrored in. */
export interface Mirror {
  /** As git is given it, with whatever secrets it has. */
  readonly url: string;
  readonly address: GitAddress;
  readonly path: string;
}

/**
 * Makes a mirror, or brings it up to date: all refs as they are at the server, and none besides. A new one is whole or not
 * there; one that turns out to be damaged, or has symbolic links in it, is made anew. All bytes of one that is doubted are
 * looked at.
 * @throws DepsError `GIT_FAILED`, `TOOL_MISSING`, `FILE_FAILED`, `NO_SPACE`
 */
export async function updateMirror(
  mirror: Mirror,
  run: GitRun,
  { isDoubted = false }: { readonly isDoubted?: boolean } = {},
): Promise<void> {
  await removeLeftovers(mirror.path);
  const isUsable = (await isMirror(mirror.path)) && !(await hasLinks(mirror.path, run.signal));
  if (!isUsable || (isDoubted && !(await isSound(mirror, run, { isDeep: true })))) {
    await cloneMirror(mirror, run);
    return;
  }
  try {
    await fetchMirror(mirror, run);
  } catch (error) {
    const isGits = isDepsError(error, "GIT_FAILED") || isDepsError(error, "FILE_FAILED");
    if (!isGits || (await isSound(mirror, run))) throw error;
    await cloneMirror(mirror, run);
  }
}

async function cloneMirror({ url, path }: Mirror, run: GitRun): Promise<void> {
  const folder = await nameBeside(path);
  try {
    const words = ["clone", "--mirror", "--no-local", "--template=", "--progress", "--", url, folder];
    await runGit(words, { ...run, isOnline: true });
    await writeConfig(folder, urlToKeep(url));
    await putInPlace(folder, path);
  } finally {
    await remove(folder);
  }
}

async function fetchMirror({ url, path }: Mirror, run: GitRun): Promise<void> {
  const inside = { ...run, repository: path };
  await removeLocks(path);
  await writeConfig(path, urlToKeep(url));
  const words = ["fetch", "--prune", "--force", "--no-write-fetch-head", "--progress", "--", url, "+refs/*:refs/*"];
  await runGit(words, { ...inside, isOnline: true });
  const head = await runGit(["rev-parse", "--verify", "--quiet", "HEAD"], { ...inside, accept: [0, 1, 128] });
  if (head.exitCode !== 0) await followHead(url, inside);
}

/** The branch that a clone begins with is gone: the server's is another by now. */
async function followHead(url: string, run: GitRun): Promise<void> {
  const { stdout } = await runGit(["ls-remote", "--symref", "--", url, "HEAD"], { ...run, isOnline: true });
  const branch = /^ref: (refs\/heads\/[^\s]+)\tHEAD$/m.exec(stdout)?.[1];
  if (branch !== undefined) await runGit(["symbolic-ref", "HEAD", branch], run);
}

/**
 * Whether a mirror is worth keeping: its refs lead to what is there. A deep look reads all bytes.
 * @throws DepsError `TOOL_MISSING`; `signal.reason`
 */
export async function isSound(
  { path }: Pick<Mirror, "path">,
  run: GitRun,
  { isDeep = false }: { readonly isDeep?: boolean } = {},
): Promise<boolean> {
  const words = ["fsck", isDeep ? "--full" : "--connectivity-only", "--no-dangling", "--progress"];
  try {
    const inside = { ...run, repository: path, step: `check the git repository in ${path}` };
    return (await runGit(words, { ...inside, accept: [0] })).exitCode === 0;
  } catch (error) {
    if (isDepsError(error, "GIT_FAILED")) return false;
    throw error;
  }
}
