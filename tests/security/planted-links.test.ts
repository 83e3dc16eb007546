import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bundle, BundleDirectory, isMirrorError, lockFileName } from "@tranship/core";
import type { TestRegistry } from "@tranship/registry/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aSource, pullInto, pullUntilAlb } from "../support/mirror.ts";
import { tempFolder } from "../support/temp-folder.ts";

const precious = "what the user holds dear\n";

/** Names in a bundle's folder that a pull writes, where a folder that came from elsewhere may hold a link instead. */
const planted = [
  ".tranship/plan.ndjson",
  ".tranship/lock",
  "package-alb.tar.partial",
  "package-alb.tar.0000.chunk.partial",
  `${lockFileName}.tmp`,
  "package-alb.tar.sha256sum.tmp",
];

let registry: TestRegistry;
let bundle: string;

beforeAll(async () => {
  registry = await aSource();
  bundle = mkdtempSync(join(tmpdir(), "tranship-planted-"));
  await pullInto(bundle, registry.host, ["alb@=v1.0.2"]);
});

afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  rmSync(bundle, { recursive: true, force: true });
});

/** A finished bundle, as one that comes on a disk, with a link of that name in it; pulls into it what takes that name. */
async function pullBeside(name: string, target: string): Promise<void> {
  const folder = tempFolder();
  cpSync(bundle, folder, { recursive: true });
  mkdirSync(join(folder, ".tranship"), { recursive: true });
  rmSync(join(folder, name), { force: true });
  symlinkSync(target, join(folder, name));
  const chunks = name.includes("chunk") ? { chunkBytes: 4096 } : {};
  await unlessRefused(pullInto(folder, registry.host, ["alb"], { checksums: ["sha256"], ...chunks }));
}

async function unlessRefused(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!isMirrorError(error, "FILE_FAILED")) throw error;
  });
}

function aVictim(): string {
  const path = join(tempFolder(), "precious");
  writeFileSync(path, precious);
  return path;
}

describe.runIf(process.platform !== "win32")("in a folder that came from elsewhere", () => {
  test.for(planted)("a pull writes through no link: %s leads to a file of the user", async (name) => {
    const victim = aVictim();
    await pullBeside(name, victim);
    expect(readFileSync(victim, "utf8")).toBe(precious);
  });

  test.for(planted.slice(0, 3))("nor makes what a link leads to: %s leads nowhere yet", async (name) => {
    const home = tempFolder();
    await pullBeside(name, join(home, "new"));
    expect(readdirSync(home)).toEqual([]);
  });

  test("a pull that goes on writes through no link that took the place of its archive", async () => {
    const [folder, victim] = [tempFolder(), aVictim()];
    await pullUntilAlb(registry, folder);
    const partials = readdirSync(folder).filter((name) => name.endsWith(".partial"));
    expect(partials).not.toEqual([]);
    for (const name of partials) {
      rmSync(join(folder, name));
      symlinkSync(victim, join(folder, name));
    }
    await unlessRefused(pullInto(folder, registry.host));
    expect(readFileSync(victim, "utf8")).toBe(precious);
  });

  test("a work folder that is a link is refused, and nothing where it leads is touched", async () => {
    const [folder, home] = [tempFolder(), tempFolder()];
    for (const name of ["owner", "plan.ndjson"]) writeFileSync(join(home, name), precious);
    symlinkSync(home, join(folder, ".tranship"));
    await expect(BundleDirectory.open(folder)).rejects.toSatisfy((error) => isMirrorError(error, "FILE_FAILED"));
    for (const name of ["owner", "plan.ndjson"]) expect(readFileSync(join(home, name), "utf8")).toBe(precious);
    expect(readdirSync(home)).toHaveLength(2);
  });

  test.for([
    ["a pipe", (path: string): void => void execFileSync("mkfifo", [path])],
    ["a device without end", (path: string): void => symlinkSync("/dev/zero", path)],
  ] as const)("a lock file that is %s keeps nobody waiting", async ([, plant]) => {
    const folder = tempFolder();
    plant(join(folder, lockFileName));
    await expect(Bundle.open(folder)).rejects.toSatisfy((error) => isMirrorError(error, "FILE_FAILED"));
    await expect(BundleDirectory.open(folder)).rejects.toSatisfy((error) => isMirrorError(error, "FILE_FAILED"));
  });
});
