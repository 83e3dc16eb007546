import { join } from "node:path";
import { isRootfsError, RootfsError } from "./errors.ts";
import type { OnRootfsEvent } from "./events.ts";
import { type WriteExt4Options, writeExt4 } from "./ext4/write-ext4.ts";
import { LayerCache } from "./layers/layer-cache.ts";
import { hasLocalBlobFiles } from "./layers/local-blob-files.ts";
import { type OpenRootfsOptions, openTree } from "./open-tree.ts";
import type { PreparedSource } from "./source/source.ts";
import { ArtifactBuild } from "./store/artifact-build.ts";
import { type Environment, type RootfsSettings, readEnvironment } from "./store/environment.ts";
import { removePublishedExt4 } from "./store/publish-ext4.ts";
import { type CompressedSize, layerSpaceNeeds, treeSpaceNeeds } from "./store/space-needs.ts";
import type { RootfsFiles } from "./tree/rootfs-files.ts";

/** Edits a root file system before it becomes an image. What it throws ends the build. */
export type RootfsHook = (files: RootfsFiles) => void | Promise<void>;

/** Options of {@link buildExt4}. */
export interface BuildOptions
  extends Pick<WriteExt4Options, "sizeBytes" | "label" | "uuid" | "hasJournal">,
    Pick<OpenRootfsOptions, "limits" | "maxThreads" | "signal" | "onEvent"> {
  /** What the image is called in the store: letters, digits, `.`, `_` and `-`, up to 128, without two dots in a row. */
  readonly artifactId: string;
  /** Called once, with the merged files of the image. @defaultValue none */
  readonly postRootfsExport?: RootfsHook | undefined;
  /**
   * Counts the builds of the artifact. With a generation, images of earlier builds stay until they are removed; without one
   * the new image takes their place.
   * @defaultValue 1, in place of what is there
   */
  readonly generation?: number | undefined;
  /** Variables for the store, the cache and the programs. @defaultValue `process.env` */
  readonly environment?: Environment | undefined;
}

/** A finished image in the store. */
export interface BuildResult {
  /** `<id>.ext4` in the artifact's folder. */
  readonly ext4Path: string;
  /** The same file under a name that no other build takes. */
  readonly path: string;
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  /** The file's length, of which what is unused is a hole. */
  readonly sizeBytes: number;
}

/**
 * Builds the ext4 image of a prepared source in the artifact store. The image is published when it is done and proven; until
 * then, and when anything fails, the last good one stays where it is. One build of an artifact at a time.
 * @throws RootfsError `ARTIFACT_ID_INVALID`, `ARTIFACT_BUSY`, `STORE_UNUSABLE`, `NO_SPACE`, `HOOK_FAILED`, and what opening the
 *   source and writing the image throw
 */
export async function buildExt4(source: PreparedSource, options: BuildOptions): Promise<BuildResult> {
  const { artifactId, signal, onEvent, environment = process.env } = options;
  signal?.throwIfAborted();
  const settings = readEnvironment(environment, onEvent);
  await using build = await ArtifactBuild.begin(artifactId, {
    settings,
    generation: options.generation,
    signal,
    onEvent,
  });
  return await buildIn(build, source, { ...options, environment, settings });
}

interface BuildInOptions extends BuildOptions {
  readonly environment: Environment;
  readonly settings: RootfsSettings;
}

async function buildIn(
  build: ArtifactBuild,
  source: PreparedSource,
  { settings, environment, generation, postRootfsExport, limits, maxThreads, signal, onEvent, ...ext4 }: BuildInOptions,
): Promise<BuildResult> {
  const { folder, store, places } = build;
  await build.reserve(layerSpaceNeeds(sizeOf(source), places));
  await using cache = cacheOf(settings, onEvent);
  const jobs = settings.nativeRootfsExportJobs;
  const opened = await openTree(source, { directory: folder, jobs, cache, limits, maxThreads, signal, onEvent });
  await using _held = opened.held;
  const { tree, files, workers, reference } = opened;
  if (postRootfsExport) await runHook(postRootfsExport, files, reference, signal);
  await build.reserve(treeSpaceNeeds(tree.root, places));
  const file = join(folder, "image.ext4");
  const { sizeBytes, label, uuid, hasJournal } = ext4;
  const how = { sizeBytes, label, uuid, hasJournal, workDirectory: folder, workers, reference, environment };
  const image = await writeExt4(tree, file, { ...how, signal, onEvent });
  const { path, currentPath, others } = await build.publish(file, image.sha256);
  if (generation === undefined) for (const other of others) await removeOther(other, store, onEvent);
  return { ext4Path: currentPath, path, ...image };
}

/** Runs a hook. @throws RootfsError `HOOK_FAILED` with what it threw as the cause; `signal.reason` */
export async function runHook(
  hook: RootfsHook,
  files: RootfsFiles,
  reference: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await hook(files);
    await files.settled();
  } catch (error) {
    signal?.throwIfAborted();
    const reason = error instanceof Error ? error.message : String(error);
    throw new RootfsError("HOOK_FAILED", `the hook of ${reference} failed: ${reason}`, { reference }, { cause: error });
  }
  signal?.throwIfAborted();
}

/** Layers that lie in files of this machine are read there. What a daemon has is only known unpacked. */
function sizeOf({
  exportMode: mode,
  compressedSizeBytes,
  unpackedSizeBytes = 0,
  image,
}: PreparedSource): CompressedSize {
  const isHere = image !== undefined && hasLocalBlobFiles(image.repository);
  const compressedBytes = compressedSizeBytes || unpackedSizeBytes;
  return { mode, compressedBytes, ...(isHere ? { presentBytes: compressedBytes } : {}) };
}

function cacheOf({ layerCacheDir, layerCacheQuotaBytes }: RootfsSettings, onEvent: OnRootfsEvent | undefined) {
  return layerCacheDir === undefined
    ? undefined
    : new LayerCache(layerCacheDir, { quotaBytes: layerCacheQuotaBytes, onEvent });
}

/** The new image is there: one of before that cannot be taken away is no failure. */
async function removeOther(path: string, store: string, onEvent: OnRootfsEvent | undefined): Promise<void> {
  try {
    await removePublishedExt4(path, { store });
  } catch (error) {
    if (!isRootfsError(error, "ARTIFACT_MISMATCH")) warnOf(path, error, onEvent); // else another generation's
  }
}

function warnOf(path: string, error: unknown, onEvent: OnRootfsEvent | undefined): void {
  const message = `cannot remove ${path}: ${error instanceof Error ? error.message : String(error)}`;
  onEvent?.({ type: "warning", warning: { code: "CLEANUP_FAILED", message } });
}
