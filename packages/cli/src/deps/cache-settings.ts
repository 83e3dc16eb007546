import { homedir, arch as machineArch, platform } from "node:os";
import { resolve } from "node:path";
import { cachePaths, type PodplaneConfig, podplaneConfig } from "@tranship/core/deps";
import type { CliContext } from "../context.ts";
import type { DepsFlags } from "../flags/deps-flags.ts";
import { parseDuration } from "../flags/duration.ts";
import { UsageError } from "../usage-error.ts";

/** How a cache is worked on, as flags say. */
export interface RunSettings {
  readonly concurrency: number | undefined;
  readonly lock: "wait" | "fail";
  /** `undefined` for ever. */
  readonly lockTimeoutMs: number | undefined;
  readonly keepHistory: number | undefined;
}

/** @throws UsageError */
export function runSettings(flags: DepsFlags): RunSettings {
  const { concurrency, lockTimeout, wait, keepHistory } = flags;
  const lockTimeoutMs = lockTimeout === undefined ? undefined : parseDuration(lockTimeout);
  if (lockTimeout !== undefined && (lockTimeoutMs === undefined || lockTimeoutMs < 0))
    throw new UsageError(`--lock-timeout ${lockTimeout}: write it as a duration, such as 90s, 30m or 4h`);
  return {
    concurrency: countOf("--concurrency", concurrency, 1),
    lock: wait ? "wait" : "fail",
    lockTimeoutMs,
    keepHistory: countOf("--keep-history", keepHistory, 0),
  };
}

/** What the environment says of podplane's cache, on this machine. @throws DepsError `ARCH_UNSUPPORTED` */
export function podplaneSettings({ environment }: Pick<CliContext, "environment">): PodplaneConfig {
  return podplaneConfig(environment, { platform: platform(), arch: machineArch(), home: homedir() });
}

/** Whether the manifests are podplane's. @throws UsageError where nothing says what the manifests are */
export function isPodplane({ manifest, preset, baseUrl }: DepsFlags): boolean {
  if (manifest !== undefined) return false;
  if (preset === "podplane" || baseUrl !== undefined) return true;
  throw new UsageError("nothing says what is depended on: give --manifest FILE, or --preset podplane");
}

/** The folder of the cache. @throws UsageError where nothing says it */
export function cacheFolder(flags: DepsFlags, context: Pick<CliContext, "environment">): string {
  const { cache, preset, baseUrl } = flags;
  if (cache === "") throw new UsageError("--cache: no folder is named");
  if (cache !== undefined) return cache;
  if (preset === "podplane" || baseUrl !== undefined) return podplaneSettings(context).cacheDir;
  throw new UsageError("nothing says where the cache is: give --cache FOLDER");
}

/** The image store of a cache: podplane's may be beside it. */
export function storeOf(folder: string, { preset, baseUrl }: DepsFlags): string {
  const isPreset = preset === "podplane" || baseUrl !== undefined;
  return isPreset ? cachePaths(resolve(folder)).registry : resolve(folder, "registry");
}

function countOf(flag: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^[0-9]{1,3}$/.test(text) && Number(text) >= least) return Number(text);
  throw new UsageError(`${flag} ${text}: write it as a whole number from ${least} to 999`);
}
