import { expect, test } from "vitest";
import { isDepsError } from "../errors.ts";
import { podplaneConfig } from "./config.ts";

const linux = { platform: "linux", arch: "x64", home: "/home/me" };
const mac = { platform: "darwin", arch: "arm64", home: "/Users/me" };
const usual = { baseUrl: "https://deps.podplane.dev", cacheDir: "/home/me/.cache/podplane/deps", arch: "amd64" };

test.for([
  { environment: {}, host: linux, changes: {} },
  { environment: {}, host: mac, changes: { cacheDir: "/Users/me/.podplane/cache/deps", arch: "arm64" } },
  { environment: { XDG_CACHE_HOME: "/x" }, host: linux, changes: { cacheDir: "/x/podplane/deps" } },
  { environment: { PODPLANE_DEPS_CACHE_DIR: "/d", XDG_CACHE_HOME: "/x" }, host: linux, changes: { cacheDir: "/d" } },
  {
    environment: { PODPLANE_DEPS_URL: "http://a", PODPLANE_DEPS_BASE_URL: "http://b" },
    host: linux,
    changes: { baseUrl: "http://a" },
  },
  { environment: { PODPLANE_DEPS_BASE_URL: "http://b" }, host: linux, changes: { baseUrl: "http://b" } },
  { environment: { PODPLANE_ARCH: "arm64" }, host: linux, changes: { arch: "arm64" } },
  { environment: { PODPLANE_ARCH: "", PODPLANE_DEPS_URL: "", XDG_CACHE_HOME: "" }, host: linux, changes: {} },
])("with $environment on $host.platform the cache is $changes", ({ environment, host, changes }) => {
  expect(podplaneConfig(environment, host)).toEqual({ ...usual, ...changes });
});

test("an architecture that machines may not have is refused", () => {
  for (const [environment, host] of [
    [{ PODPLANE_ARCH: "s390x" }, linux],
    [{}, { ...linux, arch: "ppc64" }],
  ] as const) {
    try {
      podplaneConfig(environment, host);
      expect.unreachable();
    } catch (error) {
      expect(isDepsError(error, "ARCH_UNSUPPORTED")).toBe(true);
    }
  }
});
