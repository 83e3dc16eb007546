import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { type ProgramOptions, runProgram } from "./run-program.ts";

const options: ProgramOptions = { args: [], input: "", env: process.env, timeoutMs: 10_000, maxOutputBytes: 1000 };

test("a program that cannot be run for want of file descriptors is a failure, and nothing worse", () => {
  const script = `
    import { openSync } from "node:fs";
    const { runProgram } = await import(${JSON.stringify(new URL("run-program.ts", import.meta.url).href)});
    const options = { args: [], input: "", env: process.env, timeoutMs: 10_000, maxOutputBytes: 1000 };
    try { for (;;) openSync("/dev/null"); } catch {}
    const { failure } = await runProgram("true", options);
    process.exitCode = failure === "it cannot be run: EMFILE" ? 7 : 1;
  `;
  const run = () =>
    execFileSync("sh", ["-c", 'ulimit -n 100; exec "$0" --input-type=module -e "$1"', process.execPath, script], {
      stdio: "pipe",
    });
  expect(run).toThrow(expect.objectContaining({ status: 7 }));
});

test("an environment that no program can have is a failure, and is not shown", async () => {
  const ending = await runProgram("true", { ...options, env: { PATH: process.env.PATH, SECRET: "s3cret\0" } });
  expect(ending).toEqual({ failure: "it cannot be run: ERR_INVALID_ARG_VALUE" });
});

test("a program may be given any time", async () => {
  const ending = await runProgram("true", { ...options, timeoutMs: Number.POSITIVE_INFINITY });
  expect(ending).toMatchObject({ status: 0 });
});
