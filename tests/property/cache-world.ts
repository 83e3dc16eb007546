import { createHash } from "node:crypto";
import type { Platform } from "@tranship/registry";
import {
  aBlob,
  aLayer,
  anImage,
  anIndex,
  type BuiltImage,
  type BuiltIndex,
  type FileServer,
  type TestRegistry,
} from "@tranship/registry/testing";

/** A row of an image in a manifest. */
export interface ImageRow {
  readonly image: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: string;
  readonly components?: readonly string[];
  readonly providers?: readonly string[];
  readonly addon?: boolean;
  readonly cached?: boolean;
}

/** A row of a file in a manifest. */
export interface FileRow {
  readonly version: string;
  readonly url: string;
  readonly digest: string;
  readonly size: number;
  readonly providers?: readonly string[];
  readonly cached?: boolean;
}

/** A row of a chart in a manifest. */
export interface ChartRow {
  readonly name: string;
  readonly version: string;
  readonly url: string;
  readonly digest?: string;
  readonly cached?: boolean;
  readonly chartLayerDigest?: string;
}

/** What bytes hash to. */
export function hashOf(algorithm: string, bytes: Uint8Array | string): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/** A platform as manifests write it. */
export function platformText({ os, architecture, variant }: Platform): string {
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
}

const archs = ["amd64", "arm64"] as const;
const platforms: readonly Platform[] = [
  { os: "linux", architecture: "amd64" },
  { os: "linux", architecture: "arm64" },
  { os: "linux", architecture: "amd64", variant: "v3" },
];
const repositories = ["a/one", "a/two", "b/three"];
const chartLayerType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/** A publisher of manifests, release after release, with the servers of all they name. */
export class CacheWorld {
  /** The releases so far; manifests are of version `r` and that. */
  release = 0;
  /** Layers of the latest charts, by name. */
  readonly chartLayers: Map<string, string> = new Map();
  readonly #random: () => number;
  readonly #files: FileServer;
  readonly #registry: TestRegistry;
  readonly #layers = [200, 300, 400, 500].map((size) => aLayer({ size, seed: size }));
  readonly #rows = new Map<string, readonly ImageRow[]>();
  readonly #contents = new Map<string, string>();
  readonly #charts = new Map<string, ChartRow>();
  #made = 0;

  constructor(random: () => number, files: FileServer, registry: TestRegistry) {
    this.#random = random;
    this.#files = files;
    this.#registry = registry;
  }

  /** One of several. */
  pick<Value>(values: readonly Value[]): Value {
    return values[Math.floor(this.#random() * values.length)] as Value;
  }

  isLucky(chance: number): boolean {
    return this.#random() < chance;
  }

  /** Publishes the next manifests: some tags have moved, some files are others. */
  publish(): void {
    this.release += 1;
    const version = `r${this.release}`;
    for (const repository of repositories)
      for (const tag of ["1", "2"])
        if (this.release === 1 || this.isLucky(0.35))
          this.#rows.set(`${repository}:${tag}`, this.#newRows(repository, tag));
    const rows = [...this.#rows.values()].flat().map((row) => ({ row, of: this.pick([0, 1, 2]) }));
    const rowsOf = (domain: number) => rows.flatMap(({ row, of }) => (of === domain ? [row] : []));
    for (const arch of archs) {
      const images = rowsOf(0).filter(({ platform }) => platform === undefined || platform.split("/")[1] === arch);
      const os = { name: "debian-13", arch, image: this.#file(arch, "disk.qcow2") };
      const dependencies = {
        runc: this.#file(arch, "runc", { version: this.pick(["1", version]) }),
        same: this.#file("any", "same"),
        cni: this.#file(arch, "cni", { providers: ["aws"] }),
        other: this.#file("any", "same", { providers: ["aws"] }),
      };
      this.#put(`vmconfig_knc_debian-13_${arch}`, { vmconfig: { version, kind: "knc", os, dependencies, images } });
    }
    const images = rowsOf(1).map((row) => ({
      ...row,
      components: [this.pick(["core", "traefik", "extra"])],
      ...(this.isLucky(0.3) ? { addon: true } : {}),
      ...(this.isLucky(0.2) ? { providers: ["aws"] } : {}),
    }));
    this.#put("components", { components: { version, images } });
    const charts = ["web", "job"].map((name) => this.#chart(name));
    this.#put("templates", { templates: { version, charts, images: rowsOf(2) } });
    const snapshots = Object.fromEntries(["min", "rec"].map((name) => [name, this.#snapshot(name)]));
    this.#put("seeds", { seeds: { version, components: version, snapshots } });
  }

  /** Rows for one tag: of one release they all agree. */
  #newRows(repository: string, tag: string): readonly ImageRow[] {
    const name = `${this.#registry.host}/${repository}`;
    const row = (image: string, built: BuiltImage | BuiltIndex, platform?: Platform): ImageRow => {
      for (const one of repositories) this.#registry.seed(one, built);
      const { digest } = built.manifest.descriptor;
      return { image, digest, size: 500, ...(platform && { platform: platformText(platform) }) };
    };
    const several = platforms.filter(() => this.isLucky(0.7));
    const images = several.map((platform) => this.#image(platform));
    const index = anIndex({ images, platforms: several });
    const indexed = (suffix: string) => {
      row(name, index);
      return images.map((image, at) => row(`${name}${suffix}@${index.manifest.descriptor.digest}`, image, several[at]));
    };
    const platform = this.pick(platforms);
    const image = this.#image(platform);
    switch (this.pick([0, 1, 2, 3, 4, 5, 6, 7])) {
      case 0:
        return images.map((one, at) => row(`${name}:${tag}`, one, several[at]));
      case 1:
        return indexed(`:${tag}`);
      case 2:
        return indexed("");
      case 3:
        return [row(`${name}@${image.manifest.descriptor.digest}`, image, this.pick([platform, undefined]))];
      case 4:
        return [row(`${name}:${tag}`, image)];
      case 5: // an index in an index
        return [row(`${name}:${tag}`, anIndex({ images: [index, image] }))];
      case 6: // one image by two names
        return [`${name}:${tag}`, `${name}:${tag}x`].map((one) => row(one, image, platform));
      default: // and in two repositories
        return [
          row(`${name}:${tag}`, image, platform),
          row(
            `${this.#registry.host}/c/four:${repository.replace("/", "-")}-${tag}`,
            this.#alsoInFour(image),
            platform,
          ),
        ];
    }
  }

  #alsoInFour(image: BuiltImage): BuiltImage {
    this.#registry.seed("c/four", image);
    return image;
  }

  #image(platform: Platform): BuiltImage {
    const layers = [...new Set([this.pick(this.#layers), this.pick(this.#layers)])];
    return anImage({ seed: this.#next(), platform, layers });
  }

  #file(arch: string, name: string, more: Partial<FileRow> = {}): FileRow {
    const key = `${arch}/${name}`;
    if (!this.#contents.has(key) || this.isLucky(0.25))
      this.#contents.set(key, name === "same" ? "same" : `${key} ${this.#next()}`);
    return { version: "1", ...this.#served(name, this.#contents.get(key) ?? "", "sha256"), ...more };
  }

  #snapshot(name: string) {
    return this.#served(`${name}.netsy`, `${name} ${this.isLucky(0.5) ? this.release : 0}`, "sha512");
  }

  #served(name: string, content: string, algorithm: string) {
    const url = this.#files.put(`/files/${hashOf("sha256", content).slice(7)}/${name}`, content);
    return { url, digest: hashOf(algorithm, content), size: content.length };
  }

  #chart(name: string): ChartRow {
    const known = this.#charts.get(name);
    if (known !== undefined && this.isLucky(0.6)) return known;
    const layer = aBlob({ content: `${name} ${this.#next()}`, mediaType: chartLayerType });
    const version = this.pick(["1.0.0", `1.0.${this.release}+b`]);
    const image = anImage({ seed: this.#next(), layers: [layer], tag: version.replace("+", "_") });
    this.#registry.seed(`charts/${name}`, image);
    const pin = this.isLucky(0.6) ? { digest: image.manifest.descriptor.digest } : {};
    const url = `oci://${this.#registry.host}/charts/${name}`;
    const chart = { name, version, type: "oci", url, dependencies: {}, ...pin };
    this.#charts.set(name, chart);
    this.chartLayers.set(name, layer.digest);
    return chart;
  }

  #put(name: string, manifest: object): void {
    const text = JSON.stringify(manifest);
    this.#files.put(`/manifests/${name}.json`, text, { etag: `"${hashOf("sha256", text)}"` });
  }

  #next(): string {
    this.#made += 1;
    return String(this.#made);
  }
}
