import type { MemoryRegistry } from "@tranship/registry";
import { aLayer, anImage, seedMemory } from "@tranship/registry/testing";

/** How large a catalog is. */
export interface CatalogSize {
  readonly packages: number;
  /** Versions of each, every one with release metadata; each version is an image of two layers of about 2 KiB. */
  readonly versions: number;
}

/** Fills a registry with packages below `demo`, whose stable channels point at their newest versions. */
export function seedBigCatalog(registry: MemoryRegistry, { packages, versions }: CatalogSize): void {
  for (let at = 0; at < packages; at += 1) {
    const name = `package-${at}`;
    seedMemory(registry, "demo/packages", [anImage({ tag: name })]);
    for (let minor = 0; minor < versions; minor += 1) {
      const version = `v1.${minor}.0`;
      const layers = [1, 2].map((part) => aLayer({ size: 2048, seed: `${name} ${version} ${part}` }));
      seedMemory(registry, `demo/packages/${name}`, [anImage({ tag: version, layers, seed: name })]);
      const tags = minor === versions - 1 ? [version, "stable"] : [version];
      const files = { "version.json": JSON.stringify({ version }), "changelog.yaml": `${name} ${version}\n` };
      seedMemory(registry, `demo/packages/${name}/version`, [anImage({ tags, files })]);
    }
  }
}
