import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readEnvironment } from "./environment.ts";

test("an empty environment gives the defaults", () => {
  expect(readEnvironment({ DOCKER_HOST: "  " })).toEqual({
    workRoot: join(tmpdir(), "cubemaster-rootfs-artifacts"),
    storeRoot: undefined,
    defaultStoreRoot: "/data/CubeMaster/storage",
    fallbackStoreRoot: join(tmpdir(), "cubemaster-rootfs-artifacts-store"),
    ext4FixedOverheadMib: 256,
    ext4OverheadPercent: 10,
    diskSpaceSafetyMargin: undefined,
    loopMountExt4Enabled: false,
    nativeRootfsExportEnabled: true,
    nativeRootfsExportJobs: 6,
    dockerHost: "unix:///var/run/docker.sock",
    layerCacheDir: undefined,
    layerCacheQuotaBytes: 21_474_836_480,
  });
});

test.for([
  [
    "CUBEMASTER_EXT4_OVERHEAD_PERCENT",
    "ext4OverheadPercent",
    { "0": 10, "-1": 10, "21": 10, abc: 10, "1": 1, "20": 20, " 7 ": 7 },
  ],
  ["CUBEMASTER_EXT4_FIXED_OVERHEAD_MIB", "ext4FixedOverheadMib", { "0": 256, "-5": 256, "1.5": 256, "64": 64 }],
  [
    "CUBEMASTER_DISK_SPACE_SAFETY_MARGIN",
    "diskSpaceSafetyMargin",
    { "0.5": undefined, x: undefined, Inf: undefined, NaN: undefined, "1.0": 1, "2.25": 2.25 },
  ],
  [
    "CUBEMASTER_NATIVE_ROOTFS_EXPORT_JOBS",
    "nativeRootfsExportJobs",
    { "0": 6, "-3": 6, x: 6, "99999999999999999999": 6, "2": 2, "100": 32 },
  ],
  [
    "CUBEMASTER_NATIVE_ROOTFS_EXPORT_ENABLED",
    "nativeRootfsExportEnabled",
    { "": true, maybe: true, "1": true, false: false, "0": false, F: false, FALSE: false },
  ],
  [
    "CUBEMASTER_LOOP_MOUNT_EXT4_ENABLED",
    "loopMountExt4Enabled",
    { yes: false, on: false, tRUE: false, "1": true, t: true, True: true },
  ],
  ["CUBE_TEMPLATECENTER_LAYER_CACHE_QUOTA_BYTES", "layerCacheQuotaBytes", { "0": 20 * 1024 ** 3, "5000": 5000 }],
  [
    "CUBE_TEMPLATECENTER_LAYER_CACHE_DIR",
    "layerCacheDir",
    { " ": undefined, " /var/cache/layers ": "/var/cache/layers" },
  ],
] as const)("%s is read as its default says, or as it says", ([variable, setting, values]) => {
  for (const [text, expected] of Object.entries(values)) {
    expect([text, readEnvironment({ [variable]: text })[setting]]).toEqual([text, expected]);
  }
});

test.for([
  { given: { store: "/new", old: "/old" }, storeRoot: "/new", warning: "say different things" },
  { given: { store: undefined, old: "/old" }, storeRoot: "/old", warning: "is an old name: use" },
  { given: { store: "/same", old: " /same " }, storeRoot: "/same", warning: undefined },
  { given: { store: "/new", old: "" }, storeRoot: "/new", warning: undefined },
])("of two names the new one counts: $given", ({ given, storeRoot, warning }) => {
  const warnings: string[] = [];
  const { store, old } = given;
  const environment = { CUBE_TEMPLATE_CENTER_ARTIFACT_STORE_DIR: store, CUBEMASTER_ROOTFS_ARTIFACT_STORE_DIR: old };
  const settings = readEnvironment(environment, (event) => {
    if (event.type === "warning") warnings.push(`${event.warning.code}: ${event.warning.message}`);
  });
  expect(settings.storeRoot).toBe(storeRoot);
  expect(warnings).toEqual(
    warning === undefined ? [] : [expect.stringMatching(new RegExp(`^OLD_VARIABLE: .*${warning}`))],
  );
});

test("an old name that cannot be read does not stand in for a new one that can", () => {
  const environment = {
    CUBE_TEMPLATE_CENTER_LOOP_MOUNT_EXT4_ENABLED: "1",
    CUBEMASTER_LOOP_MOUNT_EXT4_ENABLED: "maybe",
    CUBEMASTER_ROOTFS_ARTIFACT_DIR: "/scratch",
  };
  expect(readEnvironment(environment)).toMatchObject({ loopMountExt4Enabled: true, workRoot: "/scratch" });
});
