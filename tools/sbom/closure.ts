import { existsSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the repository. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** What is read of a `package.json`. */
export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly description?: string;
  readonly repository?: string | { readonly url?: string };
  readonly scripts?: Readonly<Record<string, string>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

/** A package as it is installed. */
export interface InstalledPackage {
  readonly folder: string;
  readonly manifest: Manifest;
  /** Whether it is of this workspace. */
  readonly isOurs: boolean;
  /** Names of what it needs while it runs. */
  readonly needs: readonly string[];
}

/** The packages of this workspace that are published, by the names of their folders. */
export const published = ["registry", "core", "cli"] as const;

/** A published package and all that it brings along, itself first, by name. A name has one version in all of them. */
export function closureOf(name: (typeof published)[number]): ReadonlyMap<string, InstalledPackage> {
  const found = new Map<string, InstalledPackage>();
  const visit = (folder: string, isBundle: boolean) => {
    const installed = readInstalled(folder, isBundle);
    const known = found.get(installed.manifest.name);
    if (known !== undefined) {
      if (known.manifest.version === installed.manifest.version) return;
      throw new Error(`${known.manifest.name} is there as ${known.manifest.version} and ${installed.manifest.version}`);
    }
    found.set(installed.manifest.name, installed);
    for (const need of installed.needs) visit(folderOf(need, installed.folder), false);
  };
  visit(realpathSync(join(root, "packages", name)), name === "cli");
  return found;
}

/** @param isBundle the package is one program that holds all it needs, which therefore stands among what it is made with */
function readInstalled(folder: string, isBundle: boolean): InstalledPackage {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  const { dependencies = {}, devDependencies = {} } = manifest;
  const needs = { ...dependencies, ...(isBundle ? devDependencies : {}) };
  return { folder, manifest, isOurs: !folder.includes("node_modules"), needs: Object.keys(needs).sort() };
}

/** Where a package finds another: in the folders for packages above it. */
function folderOf(name: string, from: string): string {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, "node_modules", name);
    if (existsSync(join(path, "package.json"))) return realpathSync(path);
    if (dirname(folder) === folder) throw new Error(`${name} is not installed for ${from}: run pnpm install`);
  }
}
