import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the workspace. */
export const workspace: string = fileURLToPath(new URL("../..", import.meta.url));

/** What one line of a package's `exports` opens. */
export interface EntryPoint {
  /** As it is imported, such as `@tranship/registry/oci`. */
  readonly name: string;
  /** The package's folder. */
  readonly folder: string;
  /** The source it starts at, below the folder: `src/oci/index.ts`. */
  readonly source: string;
  /** Its declarations as published, below the folder: `dist/oci/index.d.ts`. */
  readonly types: string;
}

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string>>;
  readonly publishConfig?: { readonly exports?: Readonly<Record<string, { readonly types: string }>> };
}

/** Every entry point of every public package; a program has none. */
export function entryPoints(): readonly EntryPoint[] {
  const packages = join(workspace, "packages");
  return readdirSync(packages, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return [];
    const folder = join(packages, entry.name);
    const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
    if (manifest.private) return [];
    return Object.entries(manifest.exports ?? {}).map(([path, source]) => {
      const types = manifest.publishConfig?.exports?.[path]?.types;
      if (types === undefined) throw new Error(`${manifest.name}: publishConfig has no types for ${path}`);
      return { name: manifest.name + path.slice(1), folder, source, types };
    });
  });
}
