import { join } from "node:path";
import { parseArchs } from "./choices.ts";
import { podplaneProfiles } from "./well-known.ts";

/** The machine a cache is on, as `process` and `os` tell of it. */
export interface PodplaneHost {
  /** Such as `linux` or `darwin`. */
  readonly platform: string;
  /** In the words of Node (`x64`) or of Go (`amd64`). */
  readonly arch: string;
  /** The user's home folder. */
  readonly home: string;
}

/** Where manifests come from, where the cache is, and for which architecture it is filled. */
export interface PodplaneConfig {
  readonly baseUrl: string;
  readonly cacheDir: string;
  readonly arch: string;
}

/**
 * What the environment says: `PODPLANE_DEPS_URL` (or that of v0.1, `PODPLANE_DEPS_BASE_URL`), `PODPLANE_DEPS_CACHE_DIR`,
 * `PODPLANE_ARCH`; an empty variable says nothing. The cache is in `$XDG_CACHE_HOME/podplane` unless told, else in the
 * user's cache folder.
 * @throws DepsError `ARCH_UNSUPPORTED`
 */
export function podplaneConfig(
  environment: Readonly<Record<string, string | undefined>>,
  host: PodplaneHost,
): PodplaneConfig {
  const { "v0.8": current, "v0.1": first } = podplaneProfiles;
  const arch = environment.PODPLANE_ARCH || (host.arch === "x64" ? "amd64" : host.arch);
  const baseUrl = environment[current.baseUrlVariable] || environment[first.baseUrlVariable] || current.baseUrl;
  return {
    baseUrl,
    cacheDir: environment.PODPLANE_DEPS_CACHE_DIR || join(userCache(environment.XDG_CACHE_HOME, host), "deps"),
    arch: parseArchs(arch, arch)[0] ?? arch,
  };
}

function userCache(folder: string | undefined, { platform, home }: PodplaneHost): string {
  if (folder) return join(folder, "podplane");
  return platform === "linux" ? join(home, ".cache", "podplane") : join(home, ".podplane", "cache");
}
