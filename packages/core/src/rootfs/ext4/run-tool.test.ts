import { mkdirSync, writeFileSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { ProgramFolder } from "../../../../../tests/support/program-folder.ts";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { findTool } from "./find-tool.ts";
import { runTool } from "./run-tool.ts";

const step = "try a program";
const shell = (script: string) => ["-c", script] as const;

describe.skipIf(process.platform === "win32")("running a program", () => {
  test("gives its output and takes what it is to read", async () => {
    const ending = await runTool("sh", shell("cat; echo done >&2"), { step, input: "a\0b" });
    expect(ending).toEqual({ exitCode: 0, stdout: "a\0b", stderr: "done\n" });
  });

  test("gives exit codes that were said to be none of failure", async () => {
    expect((await runTool("sh", shell("exit 2"), { step, accept: [0, 1, 2] })).exitCode).toBe(2);
  });

  test.for([
    {
      name: "an exit code",
      script: "echo no luck; exit 4",
      details: { tool: "sh", step, exitCode: 4, output: "no luck\n" },
    },
    { name: "a signal", script: "kill -9 $$", details: { tool: "sh", step, signal: "SIGKILL", output: "" } },
  ])("tells of $name", async ({ script, details }) => {
    await expect(runTool("sh", shell(script), { step })).rejects.toMatchObject({ code: "TOOL_FAILED", details });
  });

  test("keeps the last 256 KiB of a program that says much before it fails", async () => {
    const loud = shell("head -c 3000000 /dev/zero | tr '\\0' x; echo the end; exit 1");
    const error = await runTool("sh", loud, { step }).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: "TOOL_FAILED", details: { output: /x\nthe end|xthe end\n$/ } });
    expect((error as { details: { output: string } }).details.output).toHaveLength(256 * 1024);
  });

  test("names the program that is missing, and folders of PATH that are not absolute are passed over", async () => {
    const programs = new ProgramFolder().add("e2fsck-x", "exit 0");
    const environment = { PATH: `::${relative(process.cwd(), programs.path)}:/nowhere` };
    await runTool("e2fsck-x", [], { step, environment: { PATH: programs.path } });
    await expect(runTool("e2fsck-x", [], { step, environment })).rejects.toMatchObject({
      code: "TOOL_MISSING",
      details: { tool: "e2fsck-x", purpose: step },
    });
  });

  test("tells of a program that cannot be started", async () => {
    const folder = await mkdtemp(join(tmpdir(), "run-tool-"));
    try {
      await writeFile(join(folder, "odd"), "#!/nowhere/interpreter\n", { mode: 0o755 });
      await expect(runTool(join(folder, "odd"), [], { step })).rejects.toMatchObject({ code: "TOOL_UNFIT" });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  test("an abort kills it and what it started, and rejects with the signal's reason", async () => {
    const abort = new AbortController();
    const reason = new Error("enough");
    let pids = "";
    const running = runTool("sh", shell("sleep 600 & echo $$ $!; wait"), {
      step,
      signal: abort.signal,
      onStdout(chunk) {
        pids += Buffer.from(chunk).toString();
        if (pids.endsWith("\n")) abort.abort(reason);
      },
    });
    await expect(running).rejects.toBe(reason);
    for (const pid of pids.trim().split(" ")) await expect.poll(() => isAlive(pid)).toBe(false);
  });

  test("what a callback throws ends it", async () => {
    const onStdout = () => {
      throw new Error("not that");
    };
    await expect(runTool("sh", shell("echo x; exec sleep 600"), { step, onStdout })).rejects.toThrow("not that");
  });

  test("silence for too long ends it", async () => {
    const silent = runTool("sleep", ["600"], { step, idleTimeoutMs: 20 });
    await expect(silent).rejects.toMatchObject({ code: "TOOL_FAILED" });
  });
});

/** A killed process whose parent does not wait for it stays as a zombie. */
async function isAlive(pid: string): Promise<boolean> {
  try {
    return !/^\d+ \(.*\) [ZX]/s.test(await readFile(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

test("a program is looked for in the sbin beside a bin, too, and nowhere else", async () => {
  const folder = tempFolder();
  for (const name of ["usr/bin", "usr/sbin", "other"]) mkdirSync(join(folder, name), { recursive: true });
  for (const name of ["usr/sbin/format", "other/format"]) writeFileSync(join(folder, name), "", { mode: 0o755 });
  const find = (...parts: readonly string[]) =>
    findTool("format", "try", { PATH: parts.map((part) => join(folder, part)).join(":") });
  expect(await find("usr/bin")).toBe(join(folder, "usr/sbin/format"));
  expect(await find("usr/bin", "other")).toBe(join(folder, "other/format"));
  await expect(find("usr")).rejects.toMatchObject({ code: "TOOL_MISSING", details: { tool: "format" } });
});
