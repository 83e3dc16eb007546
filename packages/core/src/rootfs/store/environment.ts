import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OnRootfsEvent } from "../events.ts";
import { parseDecimal, parseInteger, parseTruth } from "./parse-variables.ts";

/** Variables of an environment, such as `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What the environment says of making root file systems. What it does not say, or not so that it can be read, has a default. */
export interface RootfsSettings {
  /** Where builds have their scratch. @defaultValue `cubemaster-rootfs-artifacts` in the folder for temporary files */
  readonly workRoot: string;
  /** Where finished files go, if that was said: nothing takes its place when it cannot be made. @defaultValue not said */
  readonly storeRoot: string | undefined;
  /** Where they go else. Always `/data/CubeMaster/storage`. */
  readonly defaultStoreRoot: string;
  /** And when that cannot be made. Always `cubemaster-rootfs-artifacts-store` in the folder for temporary files. */
  readonly fallbackStoreRoot: string;
  /** Room in an image beside its files, in MiB. Images are as large as their trees, or as asked for: it is read and has no effect. @defaultValue 256 */
  readonly ext4FixedOverheadMib: number;
  /** Room in an image for each byte of its files, 1 to 20 percent; it has no effect either. @defaultValue 10 */
  readonly ext4OverheadPercent: number;
  /**
   * How many times the bytes that are needed must be free, at least 1. @defaultValue not said: 1.5 times what is estimated,
   * once what is known
   */
  readonly diskSpaceSafetyMargin: number | undefined;
  /** Whether an image may be filled through a loop mount. Images are made without one; it is read and has no effect. @defaultValue false */
  readonly loopMountExt4Enabled: boolean;
  /** Whether images are read by this package. @defaultValue true */
  readonly nativeRootfsExportEnabled: boolean;
  /** Layers on their way at a time, 1 to 32. @defaultValue 6 */
  readonly nativeRootfsExportJobs: number;
  /** The Docker daemon's address. @defaultValue `unix:///var/run/docker.sock` */
  readonly dockerHost: string;
  /** Where layers are kept for the next run. @defaultValue not said: none are */
  readonly layerCacheDir: string | undefined;
  /** The most bytes that are kept there. @defaultValue 20 GiB */
  readonly layerCacheQuotaBytes: number;
}

/** More layers at a time bring no speed, and cost connections. */
const maxJobs = 32;

/**
 * Reads the variables that say how root file systems are made. Values are trimmed, and blank is unset. Of a variable with two
 * names the new one counts; an `OLD_VARIABLE` warning is told when only the old one is set, or both and they differ.
 */
export function readEnvironment(environment: Environment = process.env, onEvent?: OnRootfsEvent): RootfsSettings {
  const read = (name: string): string | undefined => environment[name]?.trim() || undefined;
  const renamed = (name: string, oldName: string): string | undefined => {
    const [value, oldValue] = [read(name), read(oldName)];
    const warn = (message: string) => onEvent?.({ type: "warning", warning: { code: "OLD_VARIABLE", message } });
    if (oldValue === undefined || value === oldValue) return value;
    if (value === undefined) warn(`${oldName} is an old name: use ${name}`);
    else warn(`${name} and its old name ${oldName} say different things: ${name} counts`);
    return value ?? oldValue;
  };
  const parsed = <T>(text: string | undefined, parse: (text: string) => T | undefined): T | undefined =>
    text === undefined ? undefined : parse(text);
  const within = (name: string, min: number, max: number = Number.MAX_SAFE_INTEGER): number | undefined => {
    const number = parsed(read(name), parseInteger);
    return number !== undefined && number >= min && number <= max ? number : undefined;
  };
  const margin = parsed(read("CUBEMASTER_DISK_SPACE_SAFETY_MARGIN"), parseDecimal);
  const isLoop = renamed("CUBE_TEMPLATE_CENTER_LOOP_MOUNT_EXT4_ENABLED", "CUBEMASTER_LOOP_MOUNT_EXT4_ENABLED");
  return {
    workRoot:
      renamed("CUBE_TEMPLATE_CENTER_ARTIFACT_WORK_DIR", "CUBEMASTER_ROOTFS_ARTIFACT_DIR") ??
      join(tmpdir(), "cubemaster-rootfs-artifacts"),
    storeRoot: renamed("CUBE_TEMPLATE_CENTER_ARTIFACT_STORE_DIR", "CUBEMASTER_ROOTFS_ARTIFACT_STORE_DIR"),
    defaultStoreRoot: "/data/CubeMaster/storage",
    fallbackStoreRoot: join(tmpdir(), "cubemaster-rootfs-artifacts-store"),
    ext4FixedOverheadMib: within("CUBEMASTER_EXT4_FIXED_OVERHEAD_MIB", 1) ?? 256,
    ext4OverheadPercent: within("CUBEMASTER_EXT4_OVERHEAD_PERCENT", 1, 20) ?? 10,
    diskSpaceSafetyMargin: margin !== undefined && margin >= 1 ? margin : undefined,
    loopMountExt4Enabled: parsed(isLoop, parseTruth) ?? false,
    nativeRootfsExportEnabled: parsed(read("CUBEMASTER_NATIVE_ROOTFS_EXPORT_ENABLED"), parseTruth) ?? true,
    nativeRootfsExportJobs: Math.min(maxJobs, within("CUBEMASTER_NATIVE_ROOTFS_EXPORT_JOBS", 1) ?? 6),
    dockerHost: read("DOCKER_HOST") ?? "unix:///var/run/docker.sock",
    layerCacheDir: read("CUBE_TEMPLATECENTER_LAYER_CACHE_DIR"),
    layerCacheQuotaBytes: within("CUBE_TEMPLATECENTER_LAYER_CACHE_QUOTA_BYTES", 1) ?? 20 * 1024 ** 3,
  };
}
