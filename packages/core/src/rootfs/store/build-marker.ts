import { randomUUID } from "node:crypto";
import { type FileHandle, lstat, mkdir, open, readdir, readFile, rename, rm, rmdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { BundleLock } from "../../bundle/bundle-lock.ts";
import { isMirrorError } from "../../errors.ts";
import { RootfsError } from "../errors.ts";
import type { OnRootfsEvent } from "../events.ts";
import { fileError } from "../file-error.ts";
import { type BuildOwner, formatOwner, isGone, ownerHere, parseOwner } from "./build-owner.ts";

/** The marker's name in an artifact's folder. */
export const markerName = ".cube-artifact-build-in-progress";

/** A marker that was not refreshed for so long is nobody's, in milliseconds. */
const staleMs = 2 * 3600 * 1000;

/** A longer text is no marker's, in bytes. */
const maxMarkerBytes = 4096;

/** Who asks about a marker, and when. */
export interface MarkerOptions {
  /** Milliseconds since 1970, by the clock of the store's files. @defaultValue the machine's clock */
  readonly now?: (() => number) | undefined;
}

/** Options of {@link markArtifactBuildInProgress}. */
export interface MarkOptions extends MarkerOptions {
  /** How often the marker is refreshed, in milliseconds. @defaultValue a minute */
  readonly heartbeatMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told in a `CLEANUP_FAILED` warning when the marker cannot be taken away. */
  readonly onEvent?: OnRootfsEvent | undefined;
}

/** The marker of an artifact that is there and counts. */
export interface BuildMarkerInfo {
  /** `undefined` when the marker does not say it in a way that can be read: it counts all the same. */
  readonly owner: BuildOwner | undefined;
  /** Since it was refreshed last, in milliseconds. */
  readonly ageMs: number;
}

/**
 * Says that a build of the artifact in folder `store` is under way, until the marker is released: makes the folder and the
 * marker, and refreshes it. What a dead build left counts no more. Without a folder's name nothing is marked.
 * @throws RootfsError `ARTIFACT_BUSY` while another build is under way; `FILE_FAILED`, `NO_SPACE`
 */
export async function markArtifactBuildInProgress(store: string, options: MarkOptions = {}): Promise<BuildMarker> {
  const { heartbeatMs = 60_000, now = Date.now, signal } = options;
  if (store === "") return new BuildMarker(store, "", undefined, options);
  const token = randomUUID();
  const path = join(store, markerName);
  const temporary = `${path}.${token}`;
  try {
    const isNew = (await mkdir(store, { recursive: true, mode: 0o755 })) !== undefined;
    using _guard = await guardMarker(store, signal);
    const other = await describeArtifactBuildMarker(store, { now });
    if (other) throw busy(store, other.owner);
    await removeUnnamed(store);
    const file = await open(temporary, "wx", 0o644);
    try {
      await file.writeFile(`${JSON.stringify(await ownerHere(token, now()))}\n`);
      await file.utimes(now() / 1000, now() / 1000);
      await rename(temporary, path);
    } catch (error) {
      await file.close();
      await rm(temporary, { force: true });
      throw error;
    }
    return new BuildMarker(store, token, file, { ...options, heartbeatMs, isNew });
  } catch (error) {
    signal?.throwIfAborted();
    throw fileError(error, path);
  }
}

/** A build's claim to an artifact. Hold it with `await using`. */
export class BuildMarker implements AsyncDisposable {
  readonly #store: string;
  readonly #token: string;
  readonly #now: () => number;
  readonly #onEvent: OnRootfsEvent | undefined;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #isNew: boolean;
  #file: FileHandle | undefined;

  /** Use {@link markArtifactBuildInProgress}. */
  constructor(
    store: string,
    token: string,
    file: FileHandle | undefined,
    options: MarkOptions & { readonly isNew?: boolean },
  ) {
    this.#store = store;
    this.#token = token;
    this.#file = file;
    this.#now = options.now ?? Date.now;
    this.#onEvent = options.onEvent;
    this.#isNew = options.isNew ?? false;
    if (!file) return;
    this.#timer = setInterval(() => void this.refresh(), options.heartbeatMs);
    this.#timer.unref();
  }

  /** Says that the build is still under way; it does so by itself from time to time. A refresh that fails is left out. */
  async refresh(): Promise<void> {
    const seconds = this.#now() / 1000;
    await this.#file?.utimes(seconds, seconds).catch(() => {}); // of this very marker, whatever has its name by now
  }

  /** Takes the marker away unless it is another build's by now, and a folder made for it that is empty. Heeds no abort, never fails, and may be called again. */
  async release(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (!file) return;
    clearInterval(this.#timer);
    const path = join(this.#store, markerName);
    try {
      await file.close();
      using _guard = await guardMarker(this.#store);
      const found = await readMarker(path);
      if (found?.owner?.token === this.#token) await rm(path, { force: true });
      BundleLock.removeFiles(this.#store);
      if (this.#isNew) await rmdir(this.#store).catch(() => {}); // it has something in it, unless nothing came of the build
    } catch (error) {
      const message = `cannot remove ${path}: ${error instanceof Error ? error.message : String(error)}`;
      this.#onEvent?.({ type: "warning", warning: { code: "CLEANUP_FAILED", message } });
    }
  }

  /** Releases the marker. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }
}

/** Whether a build of the artifact in this folder is under way, as far as its marker tells: whether it is there is not known. */
export async function artifactBuildInProgress(store: string, options: MarkerOptions = {}): Promise<boolean> {
  return (await describeArtifactBuildMarker(store, options)) !== undefined;
}

/**
 * Who is at a build of the artifact in this folder; `undefined` when nobody is. A marker counts while it was refreshed in the
 * last two hours, whatever is in it, unless its process is known to be gone.
 * @throws RootfsError `FILE_FAILED` when it cannot be known
 */
export async function describeArtifactBuildMarker(
  store: string,
  { now = Date.now }: MarkerOptions = {},
): Promise<BuildMarkerInfo | undefined> {
  const path = join(store, markerName);
  try {
    const found = store === "" ? undefined : await readMarker(path);
    if (!found) return undefined;
    const ageMs = now() - found.mtimeMs;
    if (ageMs >= staleMs) return undefined;
    if (found.owner && (await isGone(found.owner))) return undefined;
    return { owner: found.owner, ageMs };
  } catch (error) {
    throw fileError(error, path);
  }
}

/** Markers whose builds were killed before they had their name. */
async function removeUnnamed(store: string): Promise<void> {
  for (const name of await readdir(store)) {
    if (name.startsWith(`${markerName}.`)) await rm(join(store, name), { force: true });
  }
}

async function readMarker(path: string): Promise<{ owner: BuildOwner | undefined; mtimeMs: number } | undefined> {
  try {
    const { mtimeMs, size } = await lstat(path);
    const owner = size <= maxMarkerBytes ? parseOwner(await readFile(path, "utf8")) : undefined;
    return { owner, mtimeMs };
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["ENOENT", "ENOTDIR"].includes(code)) return undefined; // gone in between as well
    throw error;
  }
}

/** Looking at a marker and replacing it is one step: two builds that find the same dead one do not both take its place. */
async function guardMarker(store: string, signal?: AbortSignal): Promise<BundleLock> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await BundleLock.acquire(store);
    } catch (error) {
      if (!isMirrorError(error, "BUNDLE_LOCKED")) throw error;
      if (tries >= 200) throw busy(store, undefined);
    }
    await delay(10, undefined, { signal });
  }
}

function busy(store: string, owner: BuildOwner | undefined): RootfsError<"ARTIFACT_BUSY"> {
  const id = basename(store);
  const who = owner ? formatOwner(owner) : "another build";
  const message = `cannot build artifact ${id}: ${who} is at it`;
  return new RootfsError("ARTIFACT_BUSY", message, { id, ...(owner ? { owner: formatOwner(owner) } : {}) });
}
