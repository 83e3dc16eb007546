import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  Bundle,
  isMirrorError,
  lockFileName,
  type MirrorEvent,
  type VerifyFinding,
  verifyBundle,
} from "@tranship/core";
import { describe, expect, test } from "vitest";
import { aSource, pullInto } from "../support/mirror.ts";
import { runProgram } from "../support/run-program.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** The files that were read for their checksums. */
function hashed(events: readonly MirrorEvent[]): readonly string[] {
  return events.flatMap((event) => (event.type === "checksum.finished" ? [event.file] : [])).sort();
}

async function findings(folder: string): Promise<readonly VerifyFinding[]> {
  await using bundle = await Bundle.open(folder);
  return (await verifyBundle(bundle)).findings;
}

describe("a pull with checksums", () => {
  test("writes them beside every archive, those of an earlier pull too, and reads no file twice", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullInto(folder, registry.host, ["alb"]);
    const events: MirrorEvent[] = [];
    const onEvent = (event: MirrorEvent) => void events.push(event);
    await pullInto(folder, registry.host, ["alb"], { checksums: ["sha256"], onEvent });
    expect(hashed(events)).toEqual(["package-alb.tar", "package-versions.tar"]);
    events.length = 0;
    await pullInto(folder, registry.host, ["alb"], { checksums: ["sha256"], onEvent });
    expect(hashed(events)).toEqual([]);
    expect(await findings(folder)).toEqual([]);
  });

  test("writes those of an archive that changed anew, and leaves none of one that is gone", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullInto(folder, registry.host, ["alb", "console@=v1.44.0"], { checksums: ["sha256"] });
    const before = readFileSync(join(folder, "package-console.tar.sha256"), "utf8");
    await pullInto(folder, registry.host, ["console"], { checksums: ["sha256"] });
    expect(readFileSync(join(folder, "package-console.tar.sha256"), "utf8")).not.toBe(before);
    expect(existsSync(join(folder, "package-alb.tar.sha256"))).toBe(false);
    expect(await findings(folder)).toEqual([]);
    await pullInto(folder, registry.host, ["console@=v1.44.0"]);
    expect(existsSync(join(folder, "package-console.tar.sha256"))).toBe(false);
  });

  test("takes away what one that was killed had not finished, and no file of somebody else", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    await pullInto(folder, registry.host, ["alb"]);
    const unfinished = ["package-alb.tar.sha256.tmp", "package-gone.tar.0007.chunk.gostsum.tmp", `${lockFileName}.tmp`];
    for (const name of [...unfinished, "notes.tmp", "notes.sha256.tmp"]) writeFileSync(join(folder, name), "");
    await pullInto(folder, registry.host, ["alb"]);
    expect(readdirSync(folder).filter((name) => name.endsWith(".tmp"))).toEqual(["notes.sha256.tmp", "notes.tmp"]);
  });

  test("that is interrupted while it hashes is unfinished, and a second one does the rest", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    const stop = (event: MirrorEvent) => {
      if (event.type === "checksum.started") rmSync(join(folder, event.file));
    };
    await expect(pullInto(folder, registry.host, ["alb"], { checksums: ["sha256"], onEvent: stop })).rejects.toSatisfy(
      (error) => isMirrorError(error, "FILE_FAILED"),
    );
    expect(existsSync(join(folder, lockFileName))).toBe(false);
    await pullInto(folder, registry.host, ["alb"], { checksums: ["sha256"] });
    expect(readdirSync(folder).filter((name) => name.endsWith(".sha256"))).toHaveLength(2);
    expect(await findings(folder)).toEqual([]);
  });
});

describe("tranship pull --checksums", () => {
  test("covers chunks with both kinds, sha256sum and verify agree, and a change is found and named", async () => {
    await using registry = await aSource();
    const folder = tempFolder();
    const source = ["--source", `${registry.host}/demo/fe`, "--chunk-size", "20kB"];
    const pulled = await runProgram("pull", folder, ...source, "--checksums", "sha256", "--gost-digest");
    expect(pulled).toMatchObject({ code: 0 });
    const chunks = readdirSync(folder).filter((name) => name.endsWith(".chunk"));
    expect(chunks.length).toBeGreaterThan(3);
    for (const name of chunks)
      expect(readFileSync(join(folder, `${name}.gostsum`), "latin1")).toMatch(/^[0-9a-f]{64}$/);
    execFileSync("sha256sum", ["--check", "--strict", "--quiet", ...chunks.map((name) => `${name}.sha256`)], {
      cwd: folder,
    });
    expect(await runProgram("verify", folder)).toMatchObject({ code: 0 });
    const [first = ""] = chunks;
    writeFileSync(join(folder, `${first}.gostsum`), "0".repeat(64));
    appendFileSync(join(folder, `${first}.sha256`), "more");
    const verified = await runProgram("verify", folder);
    expect(verified.code).toBe(3);
    expect(verified.stdout).toContain(`${first}.sha256 holds no checksum of ${first}`);
    expect(verified.stdout).toContain(`${first}.gostsum says ${"0".repeat(64)}`);
  });

  test("takes no other kind", async () => {
    const run = await runProgram("pull", tempFolder(), "--source", "localhost:1/x", "--checksums", "md5");
    expect(run).toMatchObject({ code: 2, stdout: "" });
    expect(run.stderr).toContain("write sha256 or gost");
  });
});
