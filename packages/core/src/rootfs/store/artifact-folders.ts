import type { Stats } from "node:fs";
import { lstat, mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { RootfsError } from "../errors.ts";
import type { OnRootfsEvent } from "../events.ts";
import { fileError } from "../file-error.ts";
import { requireArtifactId } from "./artifact-id.ts";
import { type RootfsSettings, readEnvironment } from "./environment.ts";
import { type AskFileSystem, fileSystemOf } from "./file-systems.ts";

/** Options of what has to do with folders. */
export interface FolderOptions {
  /** @defaultValue what `process.env` says */
  readonly settings?: RootfsSettings | undefined;
  readonly onEvent?: OnRootfsEvent | undefined;
}

/** Where finished files go, as the environment says or by default; nothing is made. */
export function artifactStoreRootDir(settings: RootfsSettings = readEnvironment()): string {
  return settings.storeRoot ?? settings.defaultStoreRoot;
}

/** Where finished files go when the default place cannot be made; nothing is made. */
export function artifactFallbackStoreRootDir(settings: RootfsSettings = readEnvironment()): string {
  return settings.fallbackStoreRoot;
}

/** Where builds have their scratch; nothing is made. */
export function artifactWorkRootDir(settings: RootfsSettings = readEnvironment()): string {
  return settings.workRoot;
}

/**
 * The folder of an artifact in the store. The store is made, the folder is not. A store that the environment names is used
 * or nothing is; by default another takes its place, with a `STORE_FALLBACK` warning.
 * @throws RootfsError `ARTIFACT_ID_INVALID`, `STORE_UNUSABLE` naming every root that was tried
 */
export async function resolveArtifactStoreDir(id: string, options: FolderOptions = {}): Promise<string> {
  requireArtifactId(id);
  const { settings = readEnvironment(), onEvent } = options;
  const { storeRoot, defaultStoreRoot, fallbackStoreRoot } = settings;
  if (storeRoot !== undefined) {
    const failure = await makeRoot(storeRoot);
    if (failure) throw unusable([storeRoot], [failure]);
    return join(storeRoot, id);
  }
  const failure = await makeRoot(defaultStoreRoot);
  if (!failure) return join(defaultStoreRoot, id);
  const second = (await makeRoot(fallbackStoreRoot)) ?? (await whyNotOurs(fallbackStoreRoot));
  if (second) throw unusable([defaultStoreRoot, fallbackStoreRoot], [failure, second]);
  const message = `cannot use ${defaultStoreRoot}: ${failure.message}; ${fallbackStoreRoot} is used`;
  onEvent?.({ type: "warning", warning: { code: "STORE_FALLBACK", message } });
  return join(fallbackStoreRoot, id);
}

/** Options of {@link makeBuildFolder}. */
export interface BuildFolderOptions extends FolderOptions {
  /** Asks what a file system is; for tests. */
  readonly ask?: AskFileSystem | undefined;
}

/** How the names of builds' folders begin. */
const buildPrefix = ".build-";

/**
 * Makes the folder for all that a build writes, of this user's alone: inside the artifact's own folder if that is on a device
 * of this machine, so that what is finished is only renamed; else below the work root. What builds of this artifact that
 * were killed left there goes first: hold the artifact's marker.
 * @param store - the artifact's folder, see {@link resolveArtifactStoreDir}
 * @throws RootfsError `ARTIFACT_ID_INVALID`, `STORE_UNUSABLE`, `FILE_FAILED`, `NO_SPACE`
 */
export async function makeBuildFolder(id: string, store: string, options: BuildFolderOptions = {}): Promise<string> {
  requireArtifactId(id);
  const { settings = readEnvironment(), ask } = options;
  const { isLocal } = await fileSystemOf(store, ask);
  const parent = isLocal ? store : join(settings.workRoot, id);
  try {
    if (!isLocal) {
      await mkdir(settings.workRoot, { recursive: true, mode: 0o700 });
      const failure = await whyNotOurs(settings.workRoot);
      if (failure) throw unusable([settings.workRoot], [failure]);
    }
    await mkdir(parent, { recursive: true, mode: isLocal ? 0o755 : 0o700 });
    for (const name of await readdir(parent)) {
      if (name.startsWith(buildPrefix)) await rm(join(parent, name), { recursive: true, force: true });
    }
    return await mkdtemp(join(parent, buildPrefix)); // of mode 0700
  } catch (error) {
    throw fileError(error, parent);
  }
}

async function makeRoot(root: string): Promise<Error | undefined> {
  try {
    await mkdir(root, { recursive: true, mode: 0o755 });
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** In a folder that everybody may write, somebody else may have made one of that name first, or a link. */
async function whyNotOurs(root: string): Promise<Error | undefined> {
  let found: Stats;
  try {
    found = await lstat(root);
  } catch (error) {
    return error as Error;
  }
  if (!found.isDirectory()) return new Error(`${root} is a link or a file`);
  const user = process.geteuid?.();
  if (user !== undefined && found.uid !== user && found.uid !== 0) return new Error(`${root} is another user's`);
  return undefined;
}

function unusable(roots: readonly string[], failures: readonly Error[]): RootfsError {
  const reason = failures.map(({ message }) => message).join("; ");
  const message = `cannot use the artifact store: ${reason}`;
  return new RootfsError("STORE_UNUSABLE", message, { roots, reason }, { cause: failures[0] });
}
