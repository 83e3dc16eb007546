import { aLayer, anImage, type TestRegistry } from "@tranship/registry/testing";

/** A package of the made-up product: its versions, and which of them each release channel stands for. */
interface ExamplePackage {
  readonly name: string;
  readonly versions: readonly string[];
  readonly channels: Readonly<Record<string, string>>;
}

/** Two packages. `v1.43.0` and `v1.0.2` are not in any channel any more. */
const examplePackages: readonly ExamplePackage[] = [
  {
    name: "alb",
    versions: ["v1.0.2", "v1.0.3", "v1.1.0"],
    channels: { alpha: "v1.1.0", beta: "v1.1.0", "early-access": "v1.0.3", stable: "v1.0.3", "rock-solid": "v1.0.3" },
  },
  {
    name: "console",
    versions: ["v1.43.0", "v1.44.1", "v1.45.2", "v1.46.0"],
    channels: {
      alpha: "v1.46.0",
      beta: "v1.46.0",
      "early-access": "v1.45.2",
      stable: "v1.45.2",
      "rock-solid": "v1.44.1",
    },
  },
];

/**
 * Fills a registry below `path` the way a vendor publishes a product: a catalog whose tags are package names, images of
 * every version over a shared base layer of 2 MB, and release metadata where channels are tags.
 */
export function seedProduct(registry: TestRegistry, path: string): void {
  for (const { name, versions, channels } of examplePackages) {
    registry.seed(`${path}/packages`, anImage({ tag: name, files: { name } }));
    const base = aLayer({ files: { "etc/os-release": "NAME=example\n" }, size: 2_000_000, seed: `${name} base` });
    for (const version of versions) {
      const own = aLayer({ files: { "bin/app": version }, size: 500_000, seed: `${name} ${version}` });
      registry.seed(`${path}/packages/${name}`, anImage({ tag: version, layers: [base, own] }));
      const pointing = Object.keys(channels).filter((channel) => channels[channel] === version);
      const files = { "version.json": JSON.stringify({ version }), "changelog.yaml": `${name}: ${version}\n` };
      registry.seed(`${path}/packages/${name}/version`, anImage({ tags: [version, ...pointing], files }));
    }
  }
}
