import { findTool } from "../ext4/find-tool.ts";
import type { ExportMode } from "./source.ts";

/** Variables by name. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** Whether a program is there to be run. */
export type OnPath = (tool: string) => boolean | Promise<boolean>;

/**
 * How images become files on this machine: natively, unless `CUBEMASTER_NATIVE_ROOTFS_EXPORT_ENABLED` is an explicit no;
 * then with `skopeo` and `umoci` where both are there, else with a Docker daemon.
 */
export async function exportModeOf(environment: Variables = process.env, onPath?: OnPath): Promise<ExportMode> {
  if (!isExplicitNo(environment.CUBEMASTER_NATIVE_ROOTFS_EXPORT_ENABLED)) return "native";
  const has = onPath ?? ((tool: string) => isThere(tool, environment));
  return (await has("skopeo")) && (await has("umoci")) ? "dockerless" : "docker";
}

/** What cannot be read as yes or no is no explicit no. */
function isExplicitNo(value: string | undefined): boolean {
  return ["0", "f", "F", "false", "FALSE", "False"].includes(value?.trim() ?? "");
}

async function isThere(tool: string, environment: Variables): Promise<boolean> {
  try {
    await findTool(tool, "read images", environment);
    return true;
  } catch {
    return false;
  }
}
