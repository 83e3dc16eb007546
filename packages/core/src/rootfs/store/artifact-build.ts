import { rm, rmdir } from "node:fs/promises";
import { dirname } from "node:path";
import type { OnRootfsEvent } from "../events.ts";
import { makeBuildFolder, resolveArtifactStoreDir } from "./artifact-folders.ts";
import { type BuildMarker, markArtifactBuildInProgress } from "./build-marker.ts";
import { type RootfsSettings, readEnvironment } from "./environment.ts";
import { type AskFileSystem, fileSystemOf } from "./file-systems.ts";
import { type PublishedExt4, publishExt4 } from "./publish-ext4.ts";
import { removePartials } from "./published-files.ts";
import { reserveSpace, type SpaceReservation } from "./reserve-space.ts";
import type { BuildPlaces, SpaceNeed } from "./space-needs.ts";

/** Options of {@link ArtifactBuild.begin}. */
export interface ArtifactBuildOptions {
  /** @defaultValue what `process.env` says */
  readonly settings?: RootfsSettings | undefined;
  /** Counts the builds of the artifact. @defaultValue 1 */
  readonly generation?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: OnRootfsEvent | undefined;
  /** Asks what a file system is; for tests. */
  readonly ask?: AskFileSystem | undefined;
}

/**
 * A build of an artifact, from its claim to the published file. Nothing that readers have is touched before that; disposing of
 * it removes everything the build wrote, whether it was published, failed or was aborted. Hold it with `await using`.
 */
export class ArtifactBuild implements AsyncDisposable {
  /** Of the artifact, in the store. */
  readonly store: string;
  /** A folder of this user's alone for everything the build writes. */
  readonly folder: string;
  /** What is written where, for the room it needs. */
  readonly places: BuildPlaces;
  readonly #options: ArtifactBuildOptions;
  readonly #marker: BuildMarker;
  #space: SpaceReservation | undefined;

  private constructor(
    store: string,
    { folder, places }: { readonly folder: string; readonly places: BuildPlaces },
    marker: BuildMarker,
    options: ArtifactBuildOptions,
  ) {
    this.store = store;
    this.folder = folder;
    this.places = places;
    this.#marker = marker;
    this.#options = options;
  }

  /**
   * Claims the artifact and makes the folder to build in. What builds of it that were killed left is taken away.
   * @throws RootfsError `ARTIFACT_ID_INVALID`, `STORE_UNUSABLE`, `ARTIFACT_BUSY`, `FILE_FAILED`, `NO_SPACE`
   */
  static async begin(id: string, options: ArtifactBuildOptions = {}): Promise<ArtifactBuild> {
    const { signal, onEvent, ask } = options;
    signal?.throwIfAborted();
    const settings = options.settings ?? readEnvironment(process.env, onEvent);
    const store = await resolveArtifactStoreDir(id, { settings, onEvent });
    const marker = await markArtifactBuildInProgress(store, { signal, onEvent });
    try {
      await removePartials(store);
      const folder = await makeBuildFolder(id, store, { settings, ask });
      const [from, to] = await Promise.all([fileSystemOf(folder, ask), fileSystemOf(store, ask)]);
      const isRenamed = from.device !== undefined && from.device === to.device;
      const own = { layers: folder, contents: folder, image: folder };
      const places = isRenamed ? own : { ...own, store };
      return new ArtifactBuild(store, { folder, places }, marker, { ...options, settings });
    } catch (error) {
      await marker.release();
      throw error;
    }
  }

  /**
   * Makes sure that there is room for what is still to be written, and keeps it until the end or until this is said anew.
   * @throws RootfsError `NO_SPACE`
   */
  async reserve(needs: readonly SpaceNeed[] | undefined): Promise<void> {
    const { settings, signal, onEvent, ask } = this.#options;
    const margin = settings?.diskSpaceSafetyMargin;
    if (this.#space) await this.#space.update(needs);
    else this.#space = await reserveSpace(needs, { margin, signal, onEvent, ask });
  }

  /**
   * Gives the image away to the store; see {@link publishExt4}.
   * @param file - in {@link folder}
   * @param sha256 - of its bytes as they were written
   * @throws RootfsError `ARTIFACT_MISMATCH`, `FILE_FAILED`, `NO_SPACE`
   */
  async publish(file: string, sha256: string): Promise<PublishedExt4> {
    const { generation, signal } = this.#options;
    return await publishExt4(file, { store: this.store, generation, sha256, takesFile: true, isProven: true, signal });
  }

  /** Heeds no abort, and never fails: what cannot be removed is told as a warning. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await rm(this.folder, { recursive: true, force: true });
    } catch (error) {
      const message = `cannot remove ${this.folder}: ${error instanceof Error ? error.message : String(error)}`;
      this.#options.onEvent?.({ type: "warning", warning: { code: "CLEANUP_FAILED", message } });
    }
    this.#space?.[Symbol.dispose]();
    if (dirname(this.folder) !== this.store) await rmdir(dirname(this.folder)).catch(() => {}); // of the work root
    await this.#marker.release();
  }
}
