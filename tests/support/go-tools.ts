import { type ExecFileException, execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Programs other people wrote in Go: the folder of the `go.mod` with their versions, and what they are built from. */
const tools = {
  crane: { module: "go", package: "github.com/google/go-containerregistry/cmd/crane" },
  olareg: { module: "go", package: "github.com/olareg/olareg/cmd/olareg" },
  oras: { module: "go", package: "oras.land/oras/cmd/oras" },
  regctl: { module: "go", package: "github.com/regclient/regclient/cmd/regctl" },
  registry: { module: "go-distribution", package: "github.com/distribution/distribution/v3/cmd/registry" },
} as const;

/** The programs {@link goTool} knows. */
export type GoTool = keyof typeof tools;

/** Where a built program lies, or why there is none. */
export type BuiltProgram =
  | { readonly path: string; readonly missing?: undefined }
  | { readonly path?: undefined; readonly missing: string };

/** One of {@link GoTool}, built on first use and kept. */
export async function goTool(name: GoTool): Promise<BuiltProgram> {
  return await goProgram(sourceOf(name));
}

/** The version `go.mod` pins a tool at. */
export async function goToolVersion(name: GoTool): Promise<string> {
  const lines = (await readFile(join(sourceOf(name).module, "go.mod"), "utf8")).split("\n");
  const required = lines.map((line) => line.trim().split(" ")).filter(([, version]) => version?.startsWith("v"));
  const [, version] = required.find(([path = ""]) => tools[name].package.startsWith(`${path}/`)) ?? [];
  if (version === undefined) throw new Error(`go.mod requires no ${name}`);
  return version;
}

function sourceOf(name: GoTool): GoProgram {
  const { module, package: built } = tools[name];
  return {
    module: fileURLToPath(new URL(`${module}/`, import.meta.url)),
    name,
    build: ["build", "-trimpath", "-ldflags=-s -w", built],
  };
}

/** What {@link goProgram} builds. */
export interface GoProgram {
  /** The folder of the `go.mod` and `go.sum` that pin it. */
  readonly module: string;
  /** What its file is called. */
  readonly name: string;
  /** Arguments of `go` that make it, without the output's. */
  readonly build: readonly [command: string, ...rest: readonly string[]];
}

/**
 * A program built from pinned modules: once for each state of their `go.sum`, outside the repository, in
 * `$TRANSHIP_TOOLS` or `~/.cache/tranship-tools`. What cannot be built is said, not thrown: a machine may have no Go.
 */
export async function goProgram(program: GoProgram): Promise<BuiltProgram> {
  const { module, name, build } = program;
  const [command, ...rest] = build;
  const path = await placeOf(program);
  const home = dirname(dirname(path));
  if (existsSync(path)) return { path };
  await mkdir(home, { recursive: true });
  const fresh = await mkdtemp(join(home, `.${name}-`)); // whole or not there, whoever else builds it meanwhile
  try {
    await go([command, "-o", join(fresh, name), ...rest], module);
    await rename(fresh, dirname(path));
    return { path };
  } catch (error) {
    if (existsSync(path)) return { path }; // another process was first
    return { missing: reasonOf(error, name) };
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** Where a program of this state of its `go.mod` and `go.sum` is kept. */
async function placeOf({ module, name, build }: GoProgram): Promise<string> {
  const [modFile, sumFile] = await Promise.all(
    ["go.mod", "go.sum"].map((file) => readFile(join(module, file), "utf8")),
  );
  const [command, ...rest] = build;
  const state = JSON.stringify([modFile, sumFile, command, rest, process.arch]);
  const key = createHash("sha256").update(state).digest("hex").slice(0, 12);
  const home = process.env.TRANSHIP_TOOLS ?? join(homedir(), ".cache", "tranship-tools");
  return join(home, `${name}-${key}`, name);
}

async function go(args: readonly string[], cwd: string): Promise<void> {
  const env = { ...process.env, CGO_ENABLED: "0", GOTOOLCHAIN: "local", GOWORK: "off" }; // fetch modules, no compiler
  await run("go", [...args], { cwd, env, timeout: 300_000, maxBuffer: 8 << 20 });
}

function reasonOf(error: unknown, name: string): string {
  const { code, stderr = "" } = error as ExecFileException & { stderr?: string };
  if (code === "ENOENT") return `${name} is not built: there is no Go on this machine`;
  const line = stderr.split("\n").find((text) => text !== "" && !text.startsWith("go: downloading")) ?? String(code);
  return `${name} is not built: ${line.replaceAll(/https?:\/\/\S+/g, "a module's address")}`;
}
