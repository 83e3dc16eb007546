import { chmodSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { lacking, pathWith } from "../../../../../tests/support/tools.ts";
import { ensureArtifactBuildPreflight } from "./preflight.ts";

const e2fsprogs = ["mke2fs", "debugfs", "e2fsck"];

test.skipIf(lacking(...e2fsprogs).length > 0)(
  "a machine that builds a tiny image is fit, whatever is said of loop mounts, and nothing of it stays",
  async () => {
    const directory = tempFolder();
    const environment = { PATH: pathWith(...e2fsprogs), CUBEMASTER_LOOP_MOUNT_EXT4_ENABLED: "1" };
    await ensureArtifactBuildPreflight({ mode: "native", environment, directory });
    expect(readdirSync(directory)).toEqual([]);
  },
);

test.for([
  { mode: "native", has: [], missing: "mke2fs" },
  { mode: "native", has: ["mke2fs"], missing: "debugfs" },
  { mode: "docker", has: ["mke2fs", "debugfs"], missing: "e2fsck" },
  { mode: "dockerless", has: [...e2fsprogs, "skopeo"], missing: "umoci" },
] as const)("in mode $mode with $has the first program that is missing is named", async ({ mode, has, missing }) => {
  const environment = { PATH: fakes(has, "exit 0") };
  const failed = ensureArtifactBuildPreflight({ mode, environment });
  await expect(failed).rejects.toMatchObject({ code: "TOOL_MISSING", details: { tool: missing } });
});

test("the mode is what the environment says", async () => {
  const environment = {
    PATH: fakes([...e2fsprogs, "umoci", "skopeo"], "exit 3"),
    CUBEMASTER_NATIVE_ROOTFS_EXPORT_ENABLED: "false",
  };
  await expect(ensureArtifactBuildPreflight({ environment })).rejects.toMatchObject({ code: "TOOL_UNFIT" });
});

test("programs that are there and cannot make an image are unfit, whatever they say of themselves", async () => {
  const directory = tempFolder();
  const environment = { PATH: fakes(e2fsprogs, "echo usage: -d root-directory -E -U; exit 1") };
  const failed = ensureArtifactBuildPreflight({ mode: "native", environment, directory });
  await expect(failed).rejects.toMatchObject({ code: "TOOL_UNFIT", details: { tool: "mke2fs" } });
  expect(readdirSync(directory)).toEqual([]);
});

/** A folder for `PATH` with programs of these names that do no more than this. */
function fakes(names: readonly string[], script: string): string {
  const folder = tempFolder();
  for (const name of names) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}
