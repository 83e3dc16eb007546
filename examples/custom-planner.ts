import assert from "node:assert/strict";
import type { RunContext, Section, WantedImage } from "@tranship/core";
//#region planner
import { buildStep, type Item, MirrorError, type PlannedStep, type Planner, type ReadImageFiles } from "@tranship/core";
import type { RegistryReader, RepositoryReader } from "@tranship/registry";

/** Mirrors the Helm charts that a text names, such as `charts/web 1.4.0` a line, and the images that each chart lists. */
class ChartsPlanner implements Planner {
  readonly components: readonly string[] = ["charts"]; // a later pull replaces the charts of a bundle, and nothing else
  readonly selection: unknown; // an interrupted pull goes on only with the same charts
  readonly #source: RegistryReader;
  readonly #charts: ReadonlyMap<string, string>;

  constructor(source: RegistryReader, text: string) {
    const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
    this.#source = source;
    this.#charts = new Map(lines.map((line) => parseChart(line)));
    this.selection = { charts: [...this.#charts].sort() };
  }

  /** `source` is the full name of a repository, as the sections spell it. */
  open(source: string): RepositoryReader {
    return this.#source.repository(source.slice(this.#source.name.length + 1));
  }

  /** One archive for each chart. */
  async *items(): AsyncIterable<Item> {
    for (const name of this.#charts.keys()) {
      yield { component: "charts", name, archive: `chart-${name.replaceAll("/", "_-")}.tar` };
    }
  }

  /** First the chart; then, once it can be read, what its `images.txt` says; then nothing more. */
  async next({ name }: Item, done: readonly Section[], run: RunContext, read: ReadImageFiles) {
    if (done.length > 1) return undefined;
    const chart = done[0]?.repositories[0];
    if (!chart?.images[0]) return await this.#step([`${name}:${this.#charts.get(name)}`], done, run);
    const files = await read(chart, chart.images[0], [`${name.split("/").at(-1)}/images.txt`]);
    const [text] = [...files.values()].map((bytes) => new TextDecoder().decode(bytes));
    return await this.#step(text?.trim().split("\n") ?? [], done, run);
  }

  /** Resolves names once, walks their graphs, and leaves out what earlier sections have. */
  #step(names: readonly string[], done: readonly Section[], run: RunContext): Promise<PlannedStep | undefined> {
    const wanted = names.map((name): WantedImage => {
      const [path = "", reference = ""] = name.split(":");
      const repository = this.#source.repository(path);
      return { path, repository, reference, why: "pin", whenMissing: "fail", whenBroken: "fail" };
    });
    return buildStep(wanted, done, run);
  }
}

function parseChart(line: string): [name: string, version: string] {
  const [name, version, ...rest] = line.trim().split(/\s+/);
  if (name && version && rest.length === 0) return [name, version];
  const hint = "write the chart's repository and its version";
  throw new MirrorError("SELECTION_INVALID", `not a chart: ${line}; ${hint}`, { expression: line, hint });
}
//#endregion

// Run as a script, it mirrors a chart and its two images between registries on this machine.
const { Bundle, BundleDirectory, plan, pull, pushBundle, verify } = await import("@tranship/core");
const { createRegistry } = await import("@tranship/registry");
const { anImage, startTestRegistry } = await import("@tranship/registry/testing");
const { onThisMachine } = await import("./support/on-this-machine.ts");
await onThisMachine(async ({ folder, to }) => {
  await using vendor = await startTestRegistry();
  const files = { "web/Chart.yaml": "name: web\n", "web/images.txt": "app/web:1.4.0\napp/db:16\n" };
  vendor.seed("charts/web", anImage({ tag: "1.4.0", files, artifactType: "application/vnd.cncf.helm.config.v1+json" }));
  vendor.seed("app/web", anImage({ tag: "1.4.0" }));
  vendor.seed("app/db", anImage({ tag: "16" }), anImage({ tag: "15" }));

  await using source = createRegistry(vendor.host);
  const charts = new ChartsPlanner(source, "# what we run\ncharts/web 1.4.0\n");
  const list = await plan([charts]);
  {
    await using directory = await BundleDirectory.open(folder);
    const { images, archives } = await pull([charts], { to: directory });
    console.log(`${images} images in ${archives.map(({ archive }) => archive).join(", ")}`);
    assert.equal(images, 3);
  }
  await using bundle = await Bundle.open(folder);
  assert.deepEqual(bundle.lock?.archives, list.archives, "a pull brings what the plan says");
  await using target = createRegistry(to);
  await pushBundle(bundle, target);
  assert.equal((await verify(target, list)).ok, true);
});
