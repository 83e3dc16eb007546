import { findTool } from "../ext4/find-tool.ts";
import { probeExt4Tools } from "../ext4/probe-ext4-tools.ts";
import { exportModeOf } from "../source/export-mode.ts";
import type { ExportMode } from "../source/source.ts";
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

/**
 * Makes sure that this machine has the programs to build images, by building a tiny one: that a program says it could proves
 * nothing. Whether a Docker daemon answers is found out when it is asked for an image.
 * @throws RootfsError `TOOL_MISSING` naming the first program that is not there, `TOOL_UNFIT` when they cannot do it,
 *   `FILE_FAILED`, `NO_SPACE`
 */
export async function ensureArtifactBuildPreflight(options: PreflightOptions = {}): Promise<void> {
  const { environment = process.env, directory, signal } = options;
  signal?.throwIfAborted();
  const mode = options.mode ?? (await exportModeOf(environment));
  if (mode === "dockerless") for (const tool of ["skopeo", "umoci"]) await findTool(tool, "read images", environment);
  await probeExt4Tools({ environment, workDirectory: directory, signal });
}
