import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { zotRead } from "../support/zot-model.ts";
import { type ChartRow, type FileRow, hashOf, type ImageRow } from "./cache-world.ts";

/** What a download is asked for. */
export interface Asked {
  /** The first is the one whose files are found by name. */
  readonly archs: readonly string[];
  readonly providers: readonly string[];
  readonly addons: readonly string[];
}

/** The manifests of a cache, as far as they are looked at. */
interface CachedManifest {
  readonly vmconfig: {
    readonly version: string;
    readonly os: { readonly image: FileRow };
    readonly dependencies: Readonly<Record<string, FileRow>>;
    readonly images?: readonly ImageRow[];
  };
  readonly components: { readonly version: string; readonly images?: readonly ImageRow[] };
  readonly templates: {
    readonly version: string;
    readonly charts: readonly ChartRow[];
    readonly images?: readonly ImageRow[];
  };
  readonly seeds: { readonly version: string; readonly snapshots: Readonly<Record<string, FileRow>> };
}

/** A row, whether it was asked for, and what is wrong with it on disk. */
export interface SeenRow {
  readonly name: string;
  readonly isAsked: boolean;
  readonly isNoted: boolean;
  readonly fault?: string | undefined;
}

const refName = "org.opencontainers.image.ref.name";

/** Looks at a cache as whoever uses it does: reads every byte from the disk, and believes nobody. */
export class CacheLook {
  readonly #root: string;

  /** @param root the folder of the cache, called `deps`; its image store is beside it */
  constructor(root: string) {
    this.#root = root;
  }

  manifest<Name extends keyof CachedManifest>(name: Name, arch = ""): CachedManifest[Name] {
    const file = name === "vmconfig" ? `vmconfig_knc_debian-13_${arch}` : name;
    const path = join(this.#root, name, "manifests", `${file}.json`);
    return (JSON.parse(readFileSync(path, "utf8")) as CachedManifest)[name];
  }

  /** The versions of all manifests. */
  versions({ archs }: Asked): readonly string[] {
    const machines = archs.map((arch) => this.manifest("vmconfig", arch).version);
    const others = (["components", "templates", "seeds"] as const).map((name) => this.manifest(name).version);
    return [...machines, ...others];
  }

  /** Every row of the manifests of these architectures. */
  rows(asked: Asked, chartLayers: ReadonlyMap<string, string>): readonly SeenRow[] {
    const isAsked = ({ platform, providers = [], components = [], addon }: Partial<ImageRow>) =>
      (platform === undefined || asked.archs.includes(platform.split("/")[1] ?? "")) &&
      (providers.length === 0 || providers.some((one) => asked.providers.includes(one))) &&
      (addon !== true || components.some((one) => asked.addons.includes(one)));
    const see = (name: string, row: { cached?: boolean }, isWanted: boolean, look: () => string | undefined) => ({
      name,
      isAsked: isWanted,
      isNoted: row.cached === true,
      fault: faultOf(look),
    });
    const rows: SeenRow[] = [];
    const linked = new Set<string>();
    for (const arch of asked.archs) {
      const { os, dependencies, images = [] } = this.manifest("vmconfig", arch);
      for (const [name, row] of Object.entries({ "os-image": os.image, ...dependencies })) {
        const link = join(this.#root, "vmconfig", "artifacts", name, row.version, basename(row.url));
        const isFirst = isAsked({ providers: row.providers ?? [] }) && !linked.has(link);
        if (isFirst) linked.add(link);
        rows.push(
          see(`${arch} ${name}`, row, isAsked({ providers: row.providers ?? [] }), () =>
            this.#file(row, isFirst ? link : undefined),
          ),
        );
      }
      rows.push(...images.map((row) => see(`${arch} ${row.image}`, row, true, () => this.#image(row))));
    }
    const images = [...(this.manifest("components").images ?? []), ...(this.manifest("templates").images ?? [])];
    rows.push(...images.map((row) => see(`${row.image} ${row.platform}`, row, isAsked(row), () => this.#image(row))));
    for (const chart of this.manifest("templates").charts)
      rows.push(see(chart.name, chart, true, () => this.#chart(chart, chartLayers.get(chart.name) ?? "")));
    const { version, snapshots } = this.manifest("seeds");
    for (const [name, row] of Object.entries(snapshots)) {
      const path = join(this.#root, "seeds", "snapshots", name, version, `${name}.netsy`);
      rows.push(see(name, row, true, () => wrongBytes(path, row.digest)));
    }
    return rows;
  }

  /** The blobs that are whole, in whatever layout of the image store, and the files, by digest. */
  whole(): ReadonlySet<string> {
    const found = new Set<string>();
    for (const folder of [join(dirname(this.#root), "registry"), join(this.#root, "vmconfig", "blobs")]) {
      if (!existsSync(folder)) continue;
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        const digest = `sha256:${entry.name}`;
        if (entry.isFile() && wrongBytes(join(entry.parentPath, entry.name), digest) === undefined) found.add(digest);
      }
    }
    return found;
  }

  /** The folder of a repository, and the tag and digest that the name of an image has. */
  placeOf({ image }: Pick<ImageRow, "image">): { folder: string; tag: string | undefined; pin: string | undefined } {
    const [name = "", pin] = image.split("@");
    const [, path = "", tag] = /^(.*?)(?::([^:/]+))?$/.exec(name) ?? [];
    return { folder: join(dirname(this.#root), "registry", "mirror", path), tag, pin };
  }

  #file(row: FileRow, link: string | undefined): string | undefined {
    const path = join(this.#root, "vmconfig", "blobs", ...row.digest.split(":"));
    return wrongBytes(path, row.digest) ?? (link && wrongBytes(link, row.digest));
  }

  #image(row: ImageRow): string | undefined {
    const { folder, tag, pin } = this.placeOf(row);
    readAll(folder, row.digest);
    if (pin !== undefined) zotRead(folder, pin);
    if (tag === undefined) return undefined;
    const named = zotRead(folder, tag);
    const { manifests: listed } = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as Listed;
    if (listed.filter(({ annotations }) => annotations?.[refName] === tag).length > 1) return `${tag} is there twice`;
    const digest = hashOf("sha256", named);
    if (digest === row.digest || digest === pin) return undefined;
    const { manifests = [] } = JSON.parse(named.toString()) as Partial<Listed>;
    const alike = manifests.filter(({ platform: its }) => row.platform === undefined || textOf(its) === row.platform);
    return alike.some((one) => one.digest === row.digest) && (row.platform === undefined || alike.length === 1)
      ? undefined
      : `${tag} leads to ${digest}`;
  }

  #chart({ name, version, url, digest, chartLayerDigest }: ChartRow, layer: string): string | undefined {
    const folder = join(this.#root, "templates", "charts", url.replace("oci://", ""));
    const bytes = zotRead(folder, version.replace("+", "_"));
    if (digest !== undefined && hashOf("sha256", bytes) !== digest) return `${name} is another`;
    if (chartLayerDigest !== layer) return `${name} has the layer ${chartLayerDigest}, not ${layer}`;
    return wrongBytes(join(folder, "blobs", ...layer.split(":")), layer);
  }
}

interface Listed {
  readonly manifests: readonly {
    readonly digest: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  }[];
}

function textOf(platform: Listed["manifests"][number]["platform"]): string {
  const { os = "", architecture = "", variant } = platform ?? {};
  return [os, architecture, ...(variant === undefined ? [] : [variant])].join("/");
}

function readAll(folder: string, digest: string): void {
  const { manifests = [] } = JSON.parse(zotRead(folder, digest).toString()) as Partial<Listed>;
  for (const child of manifests) readAll(folder, child.digest);
}

function wrongBytes(path: string, digest: string): string | undefined {
  if (!existsSync(path) || !statSync(path).isFile()) return `there is no ${path}`;
  return hashOf(digest.split(":")[0] ?? "", readFileSync(path)) === digest ? undefined : `${path} holds other bytes`;
}

function faultOf(look: () => string | undefined): string | undefined {
  try {
    return look();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
