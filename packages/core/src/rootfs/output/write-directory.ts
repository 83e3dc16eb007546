import type { OnRootfsEvent } from "../events.ts";
import type { LayerWorkers } from "../layers/layer-workers.ts";
import type { RootfsTree } from "../tree/rootfs-tree.ts";
import { abandonDirectory, claimDirectory, requireSame } from "./directory/claim-directory.ts";
import { DirectoryMaker } from "./directory/directory-maker.ts";
import { PendingSidecar } from "./directory/write-sidecar.ts";

/** Options of {@link writeDirectory}. */
export interface WriteDirectoryOptions {
  readonly workers: LayerWorkers;
  /** The image, for messages. @defaultValue "the image" */
  readonly reference?: string | undefined;
  /** Where it is written what could not be applied. @defaultValue the directory's path and `.metadata.json` */
  readonly sidecar?: string | undefined;
  /** What warnings call the directory. @defaultValue its path */
  readonly shown?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: OnRootfsEvent | undefined;
}

/** What was written. */
export interface WrittenDirectory {
  /** Names, the directory itself included. */
  readonly entries: number;
  /** Logical bytes of all files, holes included. */
  readonly fileBytes: number;
  /** Entries that lack something; what, is in the sidecar. */
  readonly unapplied: number;
  /** The sidecar's path, if there is one. */
  readonly sidecar: string | undefined;
}

/**
 * Writes a tree into a directory, which must be empty or not be there. As root it has everything: owners, modes, devices,
 * extended attributes, and times to within 300 ns, 1.3 µs with Node 22 (whole seconds are exact). Without root, or where a program is missing or
 * the file system refuses, what could not be applied is written with its exact values into a file beside the directory (see
 * `metadataSidecarSchema`) and told in one warning; a program never gets setuid or setgid under an owner who is not its
 * image's. A sidecar from before goes.
 *
 * Until it is done the directory is closed to others. Directories are made first and get their own metadata last; nothing that is
 * written goes through a symbolic link. Nobody else may be able to rename in the directory above meanwhile: another directory
 * or a link in its place is told, and left alone, only at the end. It is not synced to the device. When it fails, what was written is taken away.
 * @throws RootfsError `OUTPUT_EXISTS`, `IMAGE_INVALID`, `LAYER_INVALID`, `LAYER_MISMATCH`, `FILE_FAILED`, `NO_SPACE`,
 * `TOOL_FAILED`
 */
export async function writeDirectory(
  tree: RootfsTree,
  directory: string,
  options: WriteDirectoryOptions,
): Promise<WrittenDirectory> {
  return await fillDirectory(tree, directory, options, async () => {});
}

/**
 * {@link writeDirectory}, with something that is done once all is written: `put`. Only when that went well is it told beside
 * the directory what could not be applied; when it fails, what was written is taken away.
 */
export async function fillDirectory(
  tree: RootfsTree,
  directory: string,
  {
    workers,
    reference = "the image",
    sidecar = `${trimmed(directory)}.metadata.json`,
    shown = directory,
    signal,
    onEvent,
  }: WriteDirectoryOptions,
  put: () => Promise<void>,
): Promise<WrittenDirectory> {
  signal?.throwIfAborted();
  const claimed = claimDirectory(directory);
  try {
    onEvent?.({ type: "stage.started", stage: "write" });
    const startedMs = performance.now();
    const maker = new DirectoryMaker(tree, claimed.path, { workers, reference, signal, onEvent });
    const { entries, fileBytes, unapplied } = await maker.make();
    using pending = new PendingSidecar(sidecar, unapplied);
    if (unapplied.size > 0) {
      const message = `${unapplied.size} of ${entries} entries of ${shown} lack something, told in ${sidecar}: ${unapplied.reasons()}`;
      onEvent?.({ type: "warning", warning: { code: "METADATA_NOT_APPLIED", message } });
    }
    onEvent?.({ type: "stage.finished", stage: "write", elapsedMs: Math.round(performance.now() - startedMs) });
    signal?.throwIfAborted();
    requireSame(claimed);
    await put();
    pending.publish();
    return { entries, fileBytes, unapplied: unapplied.size, sidecar: unapplied.size > 0 ? sidecar : undefined };
  } catch (error) {
    await abandonDirectory(claimed).catch((cause: unknown) => {
      const message = `${directory} could not be emptied again: ${String(cause)}`;
      onEvent?.({ type: "warning", warning: { code: "CLEANUP_FAILED", message } });
    });
    throw error;
  }
}

function trimmed(directory: string): string {
  return directory.replace(/(?<=[^/])\/+$/, "");
}
