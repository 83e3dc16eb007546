import { execFileSync } from "node:child_process";
import { cpSync, lstatSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lockFileName } from "@tranship/core";
import { startTestRegistry, type TestRegistry } from "@tranship/registry/testing";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { aSource, pullInto } from "../support/mirror.ts";
import { runProgram } from "../support/run-program.ts";
import { startServe } from "../support/start-serve.ts";
import { lacking } from "../support/tools.ts";

/** Only root mounts, and not in every container. */
function canMount(): boolean {
  if (process.getuid?.() !== 0 || lacking("mount", "umount").length > 0) return false;
  const folder = mkdtempSync(join(tmpdir(), "tranship-mount-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "tmpfs", folder], { stdio: "ignore" });
    execFileSync("umount", [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const run = (command: string, ...args: readonly string[]) => execFileSync(command, args, { stdio: "pipe" });

const media: readonly {
  readonly name: string;
  readonly bundle: "whole" | "chunked";
  readonly needs: readonly string[];
  /** Makes `at` a read-only place with the content of `bundle`. */
  readonly mount: (bundle: string, at: string) => void;
}[] = [
  {
    name: "a file system that was made read-only",
    bundle: "whole",
    needs: [],
    mount(bundle, at) {
      run("mount", "-t", "tmpfs", "tmpfs", at);
      cpSync(bundle, at, { recursive: true });
      run("mount", "-o", "remount,ro", at);
    },
  },
  {
    name: "a read-only view of a folder",
    bundle: "chunked",
    needs: [],
    mount(bundle, at) {
      run("mount", "--bind", bundle, at);
      run("mount", "-o", "remount,ro,bind", at);
    },
  },
  {
    name: "squashfs, which cannot be written at all",
    bundle: "chunked",
    needs: ["mksquashfs"],
    mount(bundle, at) {
      const image = `${at}.squashfs`;
      run("mksquashfs", bundle, image, "-quiet", "-noappend", "-no-progress");
      run("mount", "-t", "squashfs", "-o", "loop,ro", image, at);
    },
  },
];

let folder = "";
let source: TestRegistry;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "tranship-read-only-"));
  source = await aSource();
  await pullInto(join(folder, "whole"), source.host);
  await pullInto(join(folder, "chunked"), source.host, [], { chunkBytes: 30_000 });
});
afterAll(async () => {
  await source[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Everything below a folder with its size and times: a file made and removed again shows in its folder's. */
function listing(path: string): readonly string[] {
  return ["", ...readdirSync(path, { recursive: true, encoding: "utf8" }).sort()].map((name) => {
    const { size, mtimeMs, ctimeMs } = lstatSync(join(path, name));
    return `${name} ${size} ${mtimeMs} ${ctimeMs}`;
  });
}

describe.skipIf(!canMount())("read-only media", () => {
  test.for(media)(
    "a $bundle bundle on $name is verified, listed, pushed and served",
    { timeout: 90_000 },
    async (medium, { skip }) => {
      const lacks = lacking(...medium.needs);
      if (lacks.length > 0) skip(`lacking: ${lacks.join(", ")}`);
      const at = mkdtempSync(join(folder, "mount-"));
      medium.mount(join(folder, medium.bundle), at);
      onTestFinished(() => void run("umount", at));
      expect(() => writeFileSync(join(at, "x"), "")).toThrow("EROFS");
      const before = listing(at);

      await using registry = await startTestRegistry();
      const target = `${registry.host}/mirror`;
      const [verified, inventory, cleaned, pushed] = await Promise.all([
        runProgram("verify", at),
        runProgram("inventory", at, "-o", join(folder, "inventory.json")),
        runProgram("clean", "--dry-run", at),
        runProgram("push", at, target),
      ]);
      expect([verified.code, inventory.code, cleaned.code, pushed.code]).toEqual([0, 0, 0, 0]);
      expect(verified.stderr + pushed.stderr).toBe("");
      const plan = join(at, lockFileName);
      {
        await using served = await startServe(at);
        const [arrived, whole] = await Promise.all(
          [target, served.host].map((place) => runProgram("verify", `registry:${place}`, "--plan", plan)),
        );
        expect(arrived).toMatchObject({ code: 0, stdout: expect.stringContaining("is whole") });
        expect(whole).toMatchObject({ code: 0, stdout: expect.stringContaining("is whole") });
      }
      expect(listing(at)).toEqual(before);
    },
  );

  test("a pull into one fails and says what it cannot write", async () => {
    const at = mkdtempSync(join(folder, "mount-"));
    media[0]?.mount(join(folder, "whole"), at);
    onTestFinished(() => void run("umount", at));
    const { code, stderr } = await runProgram("pull", at, "--source", `${source.host}/demo/fe`);
    expect(code).toBe(1);
    expect(stderr).toContain(at);
    expect(stderr).toMatch(/read-only|EROFS/);
  });
});
