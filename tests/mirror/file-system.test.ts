import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Bundle, type MirrorEvent, verifyBundle } from "@tranship/core";
import { describe, expect, test } from "vitest";
import { aSource } from "../support/mirror.ts";
import { type TranshipRun, transhipMain } from "../support/run-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";

const refuseSync = fileURLToPath(new URL("../support/refuse-sync.ts", import.meta.url));

function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<TranshipRun> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, ...env } });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (text) => {
      stdout += text;
    });
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

async function isWhole(folder: string): Promise<boolean> {
  await using bundle = await Bundle.open(folder);
  return (await verifyBundle(bundle)).ok;
}

const pullArgs = (folder: string, host: string, ...more: readonly string[]) => [
  transhipMain,
  "pull",
  folder,
  "--source",
  `${host}/demo/fe`,
  "--json",
  ...more,
];

describe("a file system that does not sync", () => {
  test.for(["EINVAL", "ENOSYS", "EPERM"])(
    "and says %s gets a whole bundle, and one warning that names the folder",
    async (answer) => {
      await using registry = await aSource();
      const folder = tempFolder();
      const args = [
        "--import",
        refuseSync,
        ...pullArgs(folder, registry.host, "--chunk-size", "30KB", "--checksums", "sha256"),
      ];
      const { code, stdout } = await run(process.execPath, args, { SYNC_ANSWERS: answer });
      expect(code).toBe(0);
      const events = stdout.trim().split("\n");
      const warnings = events
        .map((line) => JSON.parse(line) as MirrorEvent)
        .flatMap((event) => (event.type === "warning.raised" && event.code === "SYNC_UNSUPPORTED" ? [event] : []));
      expect(warnings.map(({ message }) => message)).toEqual([expect.stringContaining(folder)]);
      expect(await isWhole(folder)).toBe(true);
    },
  );

  test.for(["EIO", "ENOSPC"])("because it failed with %s fails the pull", async (answer) => {
    await using registry = await aSource();
    const args = ["--import", refuseSync, ...pullArgs(tempFolder(), registry.host)];
    const { code, stdout } = await run(process.execPath, args, { SYNC_ANSWERS: answer });
    expect(code).toBe(1);
    expect(stdout).toContain(answer === "EIO" ? "FILE_FAILED" : "NO_SPACE");
  });
});

describe("a system that takes only small files", () => {
  const limited = (folder: string, host: string, ...more: readonly string[]) =>
    run("bash", ["-c", 'ulimit -f 70; exec "$0" "$@"', process.execPath, ...pullArgs(folder, host, ...more)]);

  test("refuses an archive by that name, and takes it in chunks", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    const refused = await limited(folder, registry.host);
    expect(refused.code).toBe(1);
    expect(refused.stdout + refused.stderr).toContain("FILE_TOO_LARGE");
    expect(refused.stdout).toContain("--chunk-size");
    const { code } = await limited(folder, registry.host, "--chunk-size", "30000");
    expect(code).toBe(0);
    expect(readdirSync(folder).filter((name) => name.endsWith(".chunk")).length).toBeGreaterThan(3);
    expect(await isWhole(folder)).toBe(true);
  });
});
