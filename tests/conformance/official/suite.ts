import { spawn } from "node:child_process";
import { mkdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuiltProgram, goProgram } from "../../support/go-tools.ts";
import { parseJunit, type SuiteResults } from "./junit.ts";

/** One of the suites that the makers of the distribution specification have written. */
export interface ConformanceSuite {
  /** Names the folder of its `go.mod` and that of its reports. */
  readonly name: string;
  /** Arguments of `go` that make it, without the output's. */
  readonly build: readonly [command: string, ...rest: readonly string[]];
  /** Arguments it is started with. */
  readonly args: readonly string[];
  /** How it is told what to do. */
  settings(target: SuiteTarget): NodeJS.ProcessEnv;
}

/** What a suite is run against. */
export interface SuiteTarget {
  /** Address and port of a registry that speaks plain HTTP. */
  readonly host: string;
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
  /** Whether a mount that names no repository is carried out all the same. */
  readonly mountsUnasked: boolean;
  /** `report.html` and `junit.xml` are written here; what was here before goes. */
  readonly reports: string;
}

/** Builds a suite from the version that its `go.mod` pins. */
export async function buildSuite({ name, build }: ConformanceSuite): Promise<BuiltProgram> {
  return await goProgram({
    module: fileURLToPath(new URL(`${name}/`, import.meta.url)),
    name: "conformance.test",
    build,
  });
}

/** Runs a built suite. What it printed comes back for when something failed. */
export async function runSuite(
  program: string,
  suite: ConformanceSuite,
  target: SuiteTarget,
): Promise<SuiteResults & { readonly output: string }> {
  const { reports } = target;
  await rm(reports, { recursive: true, force: true });
  await mkdir(reports, { recursive: true });
  const { code, output } = await finished(program, suite.args, reports, suite.settings(target));
  const results = parseJunit(await readFile(join(reports, "junit.xml"), "utf8").catch(() => ""));
  if (code === 0 || results.failed.length > 0) return { ...results, output };
  return { ...results, failed: [`the suite ended with ${code}`], output };
}

function finished(
  program: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const { PATH, HOME } = process.env; // nothing else: a proxy or an account of this machine's is not ours to use
    const child = spawn(program, args, {
      cwd,
      env: { PATH, HOME, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 120_000,
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk) => {
        output += chunk;
      });
    }
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output }));
  });
}
