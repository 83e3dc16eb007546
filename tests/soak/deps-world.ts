import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  type FileServer,
  faults,
  startFileServer,
  startTestRegistry,
  type TestRegistry,
} from "@tranship/registry/testing";
import {
  type DepsContent,
  type DepsContentOptions,
  depsContent,
  fileRow,
  gitFiles,
  imageRow,
  type NamedImage,
  seedRow,
  writeChart,
} from "./deps-content.ts";

/** Options of {@link DepsWorld.start}. */
export interface DepsWorldOptions extends DepsContentOptions {
  /** Local charts. */
  readonly localCharts: number;
  /** How long the file in the git repository is, in bytes. */
  readonly gitBytes: number;
  /** How fast bodies are sent on one connection. @defaultValue as fast as can be */
  readonly bytesPerSecond?: number | undefined;
  /** Where local manifests and charts are written. */
  readonly folder: string;
}

/** What the servers sent since the last publication; sizes in bytes, of bodies. */
export interface DepsCount {
  readonly requests: number;
  /** Requests for anything but manifests of dependencies. */
  readonly contentRequests: number;
  readonly bytes: number;
  /** What was sent beyond one copy of each thing. */
  readonly againBytes: number;
}

/** A publisher of manifests, a server of files and of a git repository, and a registry: what a cache is filled from. */
export class DepsWorld implements AsyncDisposable {
  readonly #options: DepsWorldOptions;
  readonly #server: FileServer;
  readonly #registry: TestRegistry;
  readonly #sizes = new Map<string, number>();

  private constructor(options: DepsWorldOptions, server: FileServer, registry: TestRegistry) {
    this.#options = options;
    this.#server = server;
    this.#registry = registry;
  }

  static async start(options: DepsWorldOptions): Promise<DepsWorld> {
    return new DepsWorld(options, await startFileServer(), await startTestRegistry());
  }

  /** Where manifests are published. */
  get baseUrl(): string {
    return this.#server.origin;
  }

  /** Publishes a generation, in place of the one before it, and counts from 0. */
  publish(generation: number): void {
    const { gitBytes, bytesPerSecond } = this.#options;
    const content = depsContent(this.#options, generation);
    for (const { name, image } of [...content.images, ...content.charts]) this.#seed(`soak/${name}`, image);
    const git = gitFiles(gitBytes, generation);
    for (const [path, bytes] of git) this.#put(`/acme/components.git/${path}`, bytes);
    this.#putManifests(content, generation);
    this.#writeTemplates(content, generation);
    this.#server.reset();
    this.#registry.reset();
    if (bytesPerSecond === undefined) return;
    this.#server.fail(faults.slow({ bytesPerSecond }));
    this.#registry.fail(faults.slow({ bytesPerSecond }));
  }

  count(): DepsCount {
    const sent = new Map<string, number>();
    const files = this.#server.requests();
    const asked = [...files, ...this.#registry.requests()];
    for (const { path, bytesSent } of asked) sent.set(path, (sent.get(path) ?? 0) + bytesSent);
    const again = Array.from(sent, ([path, bytes]) => Math.max(0, bytes - (this.#sizes.get(path) ?? bytes)));
    const sum = (values: Iterable<number>) => [...values].reduce((total, value) => total + value, 0);
    return {
      requests: asked.length,
      contentRequests: asked.filter(({ path }) => !path.startsWith("/manifests/")).length,
      bytes: sum(sent.values()),
      againBytes: sum(again),
    };
  }

  /** Takes one file away, so that no download can be complete, or puts it back. */
  withhold(isWithheld: boolean, generation: number): void {
    const last = depsContent(this.#options, generation).files.find((_, at) => at === 0);
    if (last === undefined) throw new Error("there is no file");
    const path = this.#filePath(last.blob.digest, last.name);
    if (isWithheld) this.#server.remove(path);
    else this.#server.put(path, last.blob.bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server[Symbol.asyncDispose]();
    await this.#registry[Symbol.asyncDispose]();
  }

  #putManifests({ files, seeds, images }: DepsContent, generation: number): void {
    const version = `${generation}`;
    const rows = files.map(
      ({ name, blob }) => [name, fileRow(this.#put(this.#filePath(blob.digest, name), blob.bytes), blob)] as const,
    );
    const [[, image] = [], ...dependencies] = rows;
    const half = Math.ceil(images.length / 4);
    const rowOf = (one: NamedImage) => imageRow(this.#registry.host, one);
    const machine = {
      version,
      kind: "knc",
      os: { name: "debian-13", arch: "amd64", image: { ...image, type: "qcow2" } },
      dependencies: Object.fromEntries(dependencies),
      images: images.slice(0, half).map(rowOf),
    };
    const source = { url: `${this.baseUrl}/acme/components.git`, ref: { tag: `v${generation}` } };
    const components = {
      version,
      source,
      images: images.slice(half).map((one) => ({ components: ["a"], ...rowOf(one) })),
    };
    const snapshots = Object.fromEntries(
      seeds.map(({ name, blob }) => [name, seedRow(this.#put(`/seeds/${generation}/${name}.netsy`, blob.bytes), blob)]),
    );
    const publish = (name: string, value: object) => this.#server.put(`/manifests/${name}.json`, JSON.stringify(value));
    publish("vmconfig_knc_debian-13_amd64", { vmconfig: machine });
    publish("components", { components });
    publish("seeds", { seeds: { version: `${version}-1`, components: version, snapshots } });
  }

  /** In a local manifest with the local charts; and published, without them. */
  #writeTemplates({ charts }: DepsContent, generation: number): void {
    const { folder, localCharts } = this.#options;
    const version = `${generation}`;
    const published = charts.map((chart) => this.#chartRow(chart));
    const local = Array.from({ length: localCharts }, (_, at) => {
      const name = `local-${at}`;
      writeChart(join(folder, name), name, generation);
      return { name, version: `${generation}.0.0`, type: "chart", path: name, dependencies: {} };
    });
    this.#server.put("/manifests/templates.json", JSON.stringify({ templates: { version, charts: published } }));
    mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, "templates.json"),
      JSON.stringify({ templates: { version, charts: [...published, ...local] } }),
    );
  }

  #chartRow({ name, image }: NamedImage) {
    const { digest } = image.manifest.descriptor;
    return {
      name,
      version: "1.0.0",
      type: "oci",
      url: `oci://${this.#registry.host}/soak/${name}`,
      digest,
      dependencies: {},
    };
  }

  #seed(repository: string, image: NamedImage["image"]): void {
    this.#registry.seed(repository, image);
    for (const { digest, size } of image.blobs) this.#sizes.set(`/v2/${repository}/blobs/${digest}`, size);
    const { digest, size } = image.manifest.descriptor;
    this.#sizes.set(`/v2/${repository}/manifests/${digest}`, size);
  }

  #filePath(digest: string, name: string): string {
    return `/files/${digest.slice(-12)}/${name}`;
  }

  #put(path: string, bytes: Uint8Array): string {
    this.#sizes.set(path, bytes.byteLength);
    return this.#server.put(path, bytes);
  }
}
