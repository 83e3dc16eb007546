import { spawnSync } from "node:child_process";

/** Runs a program to its end and gives its output. @throws Error when it fails; what it said is shown */
export function run(cwd: string, program: string, ...args: readonly string[]): string {
  console.log(`$ ${[program, ...args].join(" ")}`);
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status === 0) return stdout;
  console.error(stdout, stderr);
  throw new Error(`${program} failed: ${error?.message ?? `exit code ${status}`}`);
}

/** Runs pnpm as this script was started with it, else whichever is on the path. */
export function pnpm(cwd: string, ...args: readonly string[]): void {
  const { npm_execpath: path } = process.env;
  if (path !== undefined && /pnpm/.test(path)) run(cwd, process.execPath, path, ...args);
  else run(cwd, "pnpm", ...args);
}
