import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { pnpm, run } from "./pack-check-run.ts";

/** A package as it would be published. */
export interface Tarball {
  readonly name: string;
  readonly version: string;
  readonly path: string;
  /** Its entry points as they are imported; a program has none. */
  readonly entries: readonly string[];
}

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string>>;
}

/** Packs every public package of the workspace into `folder`; pnpm applies `publishConfig`. */
export function packAll(root: string, folder: string): readonly Tarball[] {
  return readdirSync(join(root, "packages"), { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return [];
    const source = join(root, "packages", entry.name);
    const manifest = JSON.parse(readFileSync(join(source, "package.json"), "utf8")) as Manifest;
    if (manifest.private) return [];
    const { name, version, exports = {} } = manifest;
    pnpm(source, "pack", "--pack-destination", folder);
    const path = join(folder, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
    return [{ name, version, path, entries: Object.keys(exports).map((key) => name + key.slice(1)) }];
  });
}

const neededFiles = ["package.json", "README.md", "LICENSE", "CHANGELOG.md"];
const compiledPattern = /^dist\/[\w/-]+\.(js|d\.ts)(\.map)?$/;
const sourcePattern = /^src\/[\w/-]+\.(ts|js|css)$/;
const programPattern = /^program\/([\w-]+\.js|THIRD-PARTY-NOTICES\.txt)$/;
const schemaPattern = /^schema\/[\w-]+\.schema\.json$/;

/** Makes sure that a tarball has its papers, and nothing besides code and schemas: no tests, no fixtures, no leftovers. */
export function requireOnlyOwnFiles({ name, path }: Tarball): void {
  const listed = run(dirname(path), "tar", "-tzf", path).trim().split("\n");
  const files = listed.map((file) => file.replace(/^package\//, ""));
  const lacking = neededFiles.filter((file) => !files.includes(file));
  if (lacking.length > 0) throw new Error(`${name} is packed without ${lacking.join(", ")}`);
  const patterns = [compiledPattern, sourcePattern, programPattern, schemaPattern];
  const stray = files.filter((file) => !neededFiles.includes(file) && !patterns.some((pattern) => pattern.test(file)));
  if (stray.length > 0) throw new Error(`${name} is packed with ${stray.join(", ")}`);
}

/** Scripts that run where a package is installed. */
const installScripts = ["preinstall", "install", "postinstall"];

/** What each package may bring along; of others, `docs/dependencies.md` says the rest. */
const expectedDependencies: Readonly<Record<string, readonly string[]>> = {
  "@tranship/registry": ["undici", "zod"],
  "@tranship/core": ["@tranship/registry", "@types/semver", "eventemitter3", "semver", "yaml", "zod"],
  "@tranship/cli": [],
};

/** Makes sure that installing a tarball runs nothing and brings along what is expected, at versions and from nowhere else. */
export function requirePlainInstallation({ name, path }: Tarball): void {
  const manifest = JSON.parse(run(dirname(path), "tar", "-xzOf", path, "package/package.json")) as {
    readonly scripts?: Readonly<Record<string, string>>;
    readonly dependencies?: Readonly<Record<string, string>>;
    readonly optionalDependencies?: Readonly<Record<string, string>>;
  };
  const { scripts = {}, dependencies = {}, optionalDependencies = {} } = manifest;
  const ran = installScripts.filter((script) => scripts[script] !== undefined);
  if (ran.length > 0) throw new Error(`${name} is packed with ${ran.join(", ")} to run where it is installed`);
  const brought = { ...dependencies, ...optionalDependencies };
  const [found, expected] = [Object.keys(brought).sort().join(", "), expectedDependencies[name]?.join(", ")];
  if (found !== expected) throw new Error(`${name} brings along ${found || "nothing"}, not ${expected || "nothing"}`);
  const odd = Object.entries(brought).filter(([, version]) => !/^[\^~]?\d+\.\d+\.\d+$/.test(version));
  if (odd.length > 0) throw new Error(`${name} brings along ${odd.map((pair) => pair.join(" as ")).join(", ")}`);
}
