import { findTool } from "../ext4/find-tool.ts";
import { type Environment, readEnvironment } from "../store/environment.ts";
import type { ExportMode } from "./source.ts";

/** Whether a program is there to be run. */
export type OnPath = (tool: string) => boolean | Promise<boolean>;

/**
 * How images become files on this machine: natively, unless `CUBEMASTER_NATIVE_ROOTFS_EXPORT_ENABLED` is an explicit no;
 * then with `skopeo` and `umoci` where both are there, else with a Docker daemon.
 */
export async function exportModeOf(environment: Environment = process.env, onPath?: OnPath): Promise<ExportMode> {
  if (readEnvironment(environment).nativeRootfsExportEnabled) return "native";
  const has = onPath ?? ((tool: string) => isThere(tool, environment));
  return (await has("skopeo")) && (await has("umoci")) ? "dockerless" : "docker";
}

async function isThere(tool: string, environment: Environment): Promise<boolean> {
  try {
    await findTool(tool, "read images", environment);
    return true;
  } catch {
    return false;
  }
}
