import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { fileError } from "./file-error.ts";
import type { OpenRootfsOptions } from "./open-tree.ts";
import type { WrittenTar } from "./output/tar/write-tar.ts";
import { Rootfs } from "./rootfs.ts";
import { ScratchFolder } from "./scratch-folder.ts";
import { exportDockerless } from "./source/modes/export-dockerless.ts";
import type { ExportMode, PreparedSource } from "./source/source.ts";

/** What {@link streamRegistryToDir} wrote. */
export interface ExportedDirectory {
  readonly directory: string;
  readonly exportMode: ExportMode;
  /** Entries that lack an owner, a device or an attribute; `undefined` where the programs that wrote them do not tell. */
  readonly unapplied: number | undefined;
  /** Where it is written what they lack. */
  readonly sidecar: string | undefined;
}

/** Options of {@link exportTar}. */
export interface ExportTarOptions extends OpenRootfsOptions {
  /** Whether a file that is there is replaced. @defaultValue false */
  readonly replace?: boolean | undefined;
}

/**
 * Unpacks the image of a prepared source into a directory, in the mode it was prepared in. What was in the directory is
 * replaced in one step once all is there; until then, and on any failure, it stays as it was. See
 * {@link Rootfs.writeDirectory} for what needs root.
 * @throws RootfsError what opening the source and writing the directory throw
 */
export async function streamRegistryToDir(
  source: PreparedSource,
  directory: string,
  options: OpenRootfsOptions = {},
): Promise<ExportedDirectory> {
  const { exportMode } = source;
  const { signal, onEvent } = options;
  if (exportMode === "dockerless") {
    await exportDockerless(source, directory, { signal });
    return { directory, exportMode, unapplied: undefined, sidecar: undefined };
  }
  const target = resolve(directory);
  await mkdir(dirname(target), { recursive: true }).catch((error: unknown) => {
    throw fileError(error, dirname(target));
  });
  await using folder = await ScratchFolder.create(dirname(target), { onEvent });
  await using rootfs = await Rootfs.open(source, { directory: folder.path, ...options });
  const { unapplied, sidecar } = await rootfs.writeDirectory(directory, { replace: true, signal });
  return { directory, exportMode, unapplied, sidecar };
}

/**
 * Writes the image of a prepared source as one tar archive, whatever its mode: bytes that depend on the image alone.
 * @throws RootfsError what opening the source and {@link Rootfs.writeTar} throw
 */
export async function exportTar(
  source: PreparedSource,
  path: string,
  { replace, ...options }: ExportTarOptions = {},
): Promise<WrittenTar> {
  await using rootfs = await Rootfs.open(source, options);
  return await rootfs.writeTar(path, { replace, signal: options.signal });
}
