import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isRootfsError, RootfsError } from "../errors.ts";
import { findTool } from "../ext4/find-tool.ts";
import { writeExt4 } from "../ext4/write-ext4.ts";
import { fileError } from "../file-error.ts";
import { LayerWorkers } from "../layers/layer-workers.ts";
import { exportModeOf } from "../source/export-mode.ts";
import type { ExportMode } from "../source/source.ts";
import type { DirectoryInode, FileInode, InodeMetadata } from "../tree/inode.ts";
import type { Environment } from "./environment.ts";

/** Options of {@link ensureArtifactBuildPreflight}. */
export interface PreflightOptions {
  /** How images will be read. @defaultValue as the environment says */
  readonly mode?: ExportMode | undefined;
  /** @defaultValue `process.env` */
  readonly environment?: Environment | undefined;
  /** Where a tiny image is made to try the programs, and removed. @defaultValue the folder for temporary files */
  readonly directory?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Programs that make images, whatever they are read with. */
const ext4Tools = ["mke2fs", "debugfs", "e2fsck"] as const;

/**
 * Makes sure that this machine can build images, by building a tiny one: that a program says it could proves nothing.
 * @throws RootfsError `TOOL_MISSING` naming the first program that is not there, `TOOL_UNFIT` when they cannot do it
 */
export async function ensureArtifactBuildPreflight(options: PreflightOptions = {}): Promise<void> {
  const { environment = process.env, signal } = options;
  signal?.throwIfAborted();
  const mode = options.mode ?? (await exportModeOf(environment));
  for (const tool of ext4Tools) await findTool(tool, "make an image", environment);
  if (mode === "dockerless") for (const tool of ["skopeo", "umoci"]) await findTool(tool, "read images", environment);
  await buildTinyImage(options);
}

async function buildTinyImage({ environment, directory = tmpdir(), signal }: PreflightOptions): Promise<void> {
  let folder: string;
  try {
    folder = await mkdtemp(join(directory, ".tranship-preflight-"));
  } catch (error) {
    throw fileError(error, directory);
  }
  try {
    await using workers = new LayerWorkers({ maxThreads: 1 });
    await writeExt4({ root: tinyTree(), layers: [] }, join(folder, "image"), { workers, environment, signal });
  } catch (error) {
    signal?.throwIfAborted();
    if (!isRootfsError(error, "TOOL_FAILED")) throw error;
    const { tool, step } = error.details;
    const reason = `it cannot ${step}`;
    throw new RootfsError(
      "TOOL_UNFIT",
      `cannot make images with this ${tool}: ${reason}`,
      { tool, reason },
      { cause: error },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A directory with a file that has an owner, an attribute and contents. */
function tinyTree(): DirectoryInode {
  const common: InodeMetadata = {
    mode: 0o755,
    uid: 1000,
    gid: 1000,
    mtime: { seconds: 1, nanoseconds: 0 },
    atime: undefined,
    xattrs: undefined,
  };
  const bytes = Buffer.from("tranship\n");
  const xattrs = new Map([["user.tranship", Buffer.from("1")]]);
  const file: FileInode = { ...common, type: "file", size: bytes.byteLength, content: { bytes }, xattrs };
  return { ...common, type: "directory", entries: new Map([["file", file]]) };
}
