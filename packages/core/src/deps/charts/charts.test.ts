import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createRegistry, digestOf, parseManifest, type Registry } from "@tranship/registry";
import { startTestRegistry } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { gnuTar } from "../../../../../tests/support/gnu-tar.ts";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { ImageLayout } from "../../layout/image-layout.ts";
import { LayoutRegistry } from "../../layout/layout-registry.ts";
import { HostSlots } from "../jobs/host-slots.ts";
import type { BringContext, ContentCheck } from "../jobs/item-job.ts";
import type { DepsItem, DepsSink } from "../manifest.ts";
import { allowHosts } from "../trust/host-policy.ts";
import { chartJob } from "./chart-job.ts";
import { parseGlob } from "./glob.ts";
import { parseHelmIgnore } from "./helm-ignore.ts";
import { packChart } from "./pack-chart.ts";

const chartYaml = "apiVersion: v2\nname: demo\nversion: 1.2.3\nappVersion: 1.16\n";
const files = { "Chart.yaml": chartYaml, "values.yaml": "a: 1\n", "templates/one.yaml": "kind: Pod\n" };

function writeChart(contents: Readonly<Record<string, string | Uint8Array>>, folder = tempFolder()): string {
  for (const [path, content] of Object.entries(contents)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

async function namesIn(folder: string): Promise<readonly string[]> {
  const { archive } = await packChart(folder);
  const path = join(tempFolder(), "chart.tgz");
  writeFileSync(path, archive.bytes);
  return gnuTar("-tzf", path).toString().trim().split("\n");
}

test("GNU tar lists Chart.yaml first, then the others by their bytes, all alike", async () => {
  const folder = writeChart({ "a.txt": "a", ...files, "B.txt": "b", "templates/.hidden": "no" });
  const { archive, name, version } = await packChart(folder);
  const path = join(tempFolder(), `${name}-${version}.tgz`);
  writeFileSync(path, archive.bytes);
  const lines = gnuTar("--numeric-owner", "--full-time", "-tvzf", path).toString().trim().split("\n");
  expect(lines.map((line) => line.split(/\s+/).join(" "))).toEqual(
    [
      ["Chart.yaml", chartYaml.length],
      ["B.txt", 1],
      ["a.txt", 1],
      ["templates/one.yaml", 10],
      ["values.yaml", 5],
    ].map(([file, size]) => `-rw-r--r-- 0/0 ${size} 1970-01-01 00:00:00 demo/${file}`),
  );
});

test("the same files give the same bytes, whatever folder, mode, time and order they have", async () => {
  const first = await packChart(writeChart(files));
  const second = writeChart(Object.fromEntries(Object.entries(files).reverse()));
  chmodSync(join(second, "values.yaml"), 0o700);
  utimesSync(join(second, "Chart.yaml"), 1, 1);
  const zone = process.env.TZ;
  process.env.TZ = "Pacific/Auckland";
  try {
    expect(await packChart(second)).toEqual(first);
  } finally {
    if (zone === undefined) delete process.env.TZ;
    else process.env.TZ = zone;
  }
  writeFileSync(join(second, "values.yaml"), "a: 2\n");
  expect((await packChart(second)).manifest.descriptor.digest).not.toBe(first.manifest.descriptor.digest);
});

test("the config is what Helm makes of Chart.yaml, the manifest says what helm push says without the moment", async () => {
  const folder = writeChart({
    ...files,
    "Chart.yaml": [
      "# a comment",
      "version: v1.2.3+build",
      "name: demo",
      "unknown: dropped",
      "apiVersion: v2",
      "appVersion: 1.10",
      "deprecated: yes",
      'description: "a <b> &\\tc\\u0007"',
      "sources: [https://one.example, https://two.example]",
      "maintainers: [{name: Ann, email: ann@x.example}, {name: Bob}]",
      'annotations: {z: "1", a: true, org.opencontainers.image.title: other, empty: ""}',
      "type: application",
    ].join("\n"),
  });
  const { config, archive, manifest } = await packChart(folder);
  expect(Buffer.from(config.bytes).toString()).toBe(
    '{"name":"demo","sources":["https://one.example","https://two.example"],"version":"v1.2.3+build",' +
      '"description":"a \\u003cb\\u003e \\u0026 c","maintainers":[{"name":"Ann","email":"ann@x.example"},{"name":"Bob"}],' +
      '"apiVersion":"v2","appVersion":"1.1","deprecated":true,' +
      '"annotations":{"a":"true","empty":"","org.opencontainers.image.title":"other","z":"1"},"type":"application"}',
  );
  expect(JSON.parse(Buffer.from(manifest.bytes).toString())).toEqual({
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json",
    config: { mediaType: "application/vnd.cncf.helm.config.v1+json", digest: config.digest, size: config.size },
    layers: [
      {
        mediaType: "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
        digest: archive.digest,
        size: archive.bytes.byteLength,
      },
    ],
    annotations: {
      "org.opencontainers.image.title": "demo",
      "org.opencontainers.image.version": "v1.2.3+build",
      "org.opencontainers.image.description": "a <b> & c",
      "org.opencontainers.image.source": "https://one.example",
      "org.opencontainers.image.authors": "Ann (ann@x.example), Bob",
      a: "true",
      z: "1",
      empty: "",
    },
  });
  expect(digestOf(archive.bytes)).toBe(archive.digest);
  expect(parseManifest(manifest).kind).toBe("image");
});

test.for([
  { rules: "", left: [] },
  { rules: "*.txt", left: ["a.txt", "sub/a.txt"] },
  { rules: "/*.txt", left: ["a.txt"] },
  { rules: "sub/*.txt", left: ["sub/a.txt"] },
  { rules: "sub/", left: ["sub", "sub/a.txt"] },
  { rules: "a.txt/", left: [] },
  { rules: "# a.txt\n\n  b?md  \r\n", left: ["b.md"] },
  { rules: "\uFEFFb.[a-n]d", left: ["b.md"] },
  { rules: "b.[^m]d\nb\\.md", left: ["b.md"] },
  { rules: "!*.yaml", left: ["a.txt", "b.md", "sub", "sub/a.txt", "templates"] },
  { rules: "sub*", left: ["sub", "sub/a.txt"] },
  { rules: "/sub/a.*", left: ["sub/a.txt"] },
])("rule $# of .helmignore leaves out $left", ({ rules, left }) => {
  const isIgnored = parseHelmIgnore(rules);
  const all = ["Chart.yaml", "a.txt", "b.md", "sub/a.txt", "templates/x.yaml", "templates/.x"];
  const folders = ["sub", "templates"];
  const isLeftOut = (path: string) => {
    const parent = dirname(path);
    return (parent !== "." && isIgnored(parent, true)) || isIgnored(path, folders.includes(path));
  };
  const found = [...all, ...folders].filter(isLeftOut);
  const inLeftOut = left.includes("templates") ? ["templates/x.yaml"] : [];
  expect(found.sort()).toEqual([...left, ...inLeftOut, "templates/.x"].sort());
});

test("what .helmignore cannot mean is refused, and long patterns take no time", async () => {
  for (const rule of ["a/**", "[", "[]a]", "a\\", "[a-"]) expect(() => parseHelmIgnore(rule)).toThrow(SyntaxError);
  const folder = writeChart({ ...files, ".helmignore": "**/x" });
  await expect(packChart(folder)).rejects.toMatchObject({ code: "CHART_TYPE" });
  const glob = parseGlob(`${"*a".repeat(120)}b`);
  expect(glob?.("a".repeat(255))).toBe(false);
});

test("rules of .helmignore hold for folders and what is in them; the file itself is packed", async () => {
  const folder = writeChart({ ...files, ".helmignore": "docs/\n*.md\n", "docs/a": "", "x.md": "", "sub/docs/b": "" });
  expect(await namesIn(folder)).toEqual([
    "demo/Chart.yaml",
    "demo/.helmignore",
    "demo/templates/one.yaml",
    "demo/values.yaml",
  ]);
});

test.for([
  { name: "no Chart.yaml", chart: { "values.yaml": "" }, reason: /no Chart\.yaml/ },
  { name: "no name", chart: { "Chart.yaml": "apiVersion: v2\nversion: 1.0.0" }, reason: /no name/ },
  {
    name: "a name with steps",
    chart: { "Chart.yaml": "name: ../x\nversion: 1.0.0" },
    reason: /no folder can be called/,
  },
  { name: "no version", chart: { "Chart.yaml": "apiVersion: v2\nname: a" }, reason: /no version/ },
  { name: "an odd version", chart: { "Chart.yaml": "name: a\nversion: latest" }, reason: /which is none/ },
  { name: "another apiVersion", chart: { "Chart.yaml": "apiVersion: v9\nname: a\nversion: 1.0.0" }, reason: /v9/ },
  { name: "no YAML", chart: { "Chart.yaml": "{" }, reason: /cannot be read/ },
  { name: "a list", chart: { "Chart.yaml": "- a" }, reason: /Chart\.yaml is wrong/ },
  {
    name: "aliases that stand for too much",
    chart: {
      "Chart.yaml": `name: a\nversion: 1.0.0\na: &a [x]\n${["b", "c", "d", "e"].map((key, at) => `${key}: &${key} [${Array(20).fill(`*${"abcd"[at]}`).join(", ")}]`).join("\n")}`,
    },
    reason: /cannot be read/,
  },
  {
    name: "a dependency that is not there",
    chart: { "Chart.yaml": `${chartYaml}dependencies: [{name: redis, version: 1.x, repository: ""}]` },
    reason: /needs redis.*helm dependency build/,
  },
  {
    name: "a dependency of an older chart that is not there",
    chart: { "Chart.yaml": "name: a\nversion: 1.0.0", "requirements.yaml": "dependencies: [{name: redis}]" },
    reason: /needs redis/,
  },
  { name: "a name no archive should have", chart: { ...files, "a\\b": "" }, reason: /no name for a file/ },
])("a chart with $name is refused", async ({ chart, reason }) => {
  const error = await packChart(writeChart(chart as Record<string, string>)).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: "CHART_TYPE", message: expect.stringMatching(reason) });
});

test("what is too large, is no folder or is not there is told", async () => {
  const large = writeChart({ ...files, big: new Uint8Array(5 * 1024 * 1024 + 1) });
  await expect(packChart(large)).rejects.toMatchObject({ code: "TOO_LARGE" });
  await expect(packChart(join(large, "values.yaml"))).rejects.toMatchObject({ code: "CHART_TYPE" });
  await expect(packChart(join(large, "none"))).rejects.toMatchObject({ code: "FILE_FAILED" });
  const ended = AbortSignal.abort(new Error("enough"));
  await expect(packChart(large, { signal: ended })).rejects.toThrow("enough");
});

test("dependencies are packed as they lie: an archive and a folder", async () => {
  const inner = await packChart(
    writeChart({ ...files, "Chart.yaml": "apiVersion: v2\nname: redis\nversion: 7.0.0\n" }),
  );
  const folder = writeChart({
    ...files,
    "Chart.yaml": `${chartYaml}dependencies: [{name: redis, version: 7.x}, {name: own, version: 1.x}]`,
    "charts/any.tgz": inner.archive.bytes,
    "charts/some/Chart.yaml": "apiVersion: v2\nname: own\nversion: 1.0.0\n",
  });
  expect(await namesIn(folder)).toEqual(expect.arrayContaining(["demo/charts/any.tgz", "demo/charts/some/Chart.yaml"]));
  writeFileSync(join(folder, "charts/any.tgz"), "no archive");
  await expect(packChart(folder)).rejects.toThrow(/needs redis,/);
});

test("symbolic links are followed in the chart, and refused where they lead out of it, nowhere or in circles", async () => {
  const folder = writeChart(files);
  symlinkSync("templates", join(folder, "more"));
  symlinkSync("../values.yaml", join(folder, "templates/values.yaml"));
  expect(await namesIn(folder)).toEqual([
    "demo/Chart.yaml",
    "demo/more/one.yaml",
    "demo/more/values.yaml",
    "demo/templates/one.yaml",
    "demo/templates/values.yaml",
    "demo/values.yaml",
  ]);
  for (const [target, reason] of [
    ["/etc/passwd", /out of the chart/],
    ["../..", /out of the chart/],
    ["nothing", /nowhere/],
    [".", /folder it is in/],
  ] as const) {
    const link = join(folder, "templates/link");
    symlinkSync(target, link);
    await expect(packChart(folder), target).rejects.toThrow(reason);
    rmSync(link);
  }
});

/** Hashes each time, and knows what it was told. */
function plainContents(): ContentCheck & { readonly noted: Map<string, string> } {
  const noted = new Map<string, string>();
  const bytesOf = (path: string) => {
    try {
      return readFileSync(path);
    } catch {
      return undefined;
    }
  };
  return {
    noted,
    check: async (path, { digest }) => {
      const bytes = bytesOf(path);
      if (bytes === undefined) return "absent";
      return digestOf(bytes) === digest ? "present" : "differs";
    },
    note: async (path, digest) => {
      noted.set(path, digest);
    },
    known: async () => undefined,
  };
}

function chartItem(path: string, sink: DepsSink): DepsItem {
  return { id: "chart/demo", version: "1.2.3", source: { type: "chart", path }, selectors: {}, sink, labels: {} };
}

function contextFor(registry?: Registry) {
  const contents = plainContents();
  const nobody = () => {
    throw new Error("nobody is to be asked");
  };
  const told = { bytes: 0, total: 0 };
  const context: BringContext = {
    contents,
    isDeep: false,
    signal: new AbortController().signal,
    access: { files: { fetch: nobody }, registry: () => registry ?? nobody(), hosts: allowHosts(["127.0.0.1"]) },
    staging: { fill: nobody, prepare: async () => {}, blank: nobody },
    slots: new HostSlots({ total: 1 }),
    progress: {
      started: () => {},
      add: (bytes) => {
        told.bytes += bytes;
      },
      total: (bytes) => {
        told.total = bytes;
      },
    },
  };
  return { contents, context, told };
}

test("a chart is kept in the layout of its repository; packed anew, it takes the place of what was packed before", async () => {
  const folder = writeChart(files);
  const root = join(tempFolder(), "charts");
  const item = chartItem(folder, {
    type: "repository-layout",
    root,
    repository: "podplane.local/templates/Demo",
    tags: ["1.2.3"],
  });
  const { context, contents, told } = contextFor();
  expect(await chartJob.probe(item, context)).toBe("absent");
  const first = await chartJob.bring(item, context);
  expect(told.bytes).toBe(told.total);
  expect(first.sizeBytes).toBe(told.total);
  expect(await chartJob.probe(item, context)).toBe("present");
  expect(await chartJob.content(item, context)).toEqual(first);
  expect(digestOf(readFileSync(first.layer?.path ?? ""))).toBe(first.layer?.digest);
  expect(contents.noted.size).toBe(3);

  writeFileSync(join(folder, "values.yaml"), "a: 2\n");
  expect(await chartJob.probe(item, context)).toBe("differs");
  const second = await chartJob.bring(item, context);
  expect(await chartJob.probe(item, context)).toBe("present");
  const layout = join(root, "podplane.local/templates/Demo");
  const index = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as { manifests: { digest: string }[] };
  expect(index.manifests.map(({ digest }) => digest)).toEqual([second.digest]);

  writeFileSync(second.layer?.path ?? "", "damaged");
  expect(await chartJob.probe(item, context)).toBe("differs");
  writeFileSync(join(layout, "index.json"), '{"schemaVersion":2,"manif');
  expect(await chartJob.probe(item, context)).toBe("absent");
  await chartJob.bring(item, context);
  expect(await chartJob.probe(item, context)).toBe("present");
});

test("a chart that somebody else tagged, and one under two tags, stay", async () => {
  const folder = writeChart(files);
  const root = tempFolder();
  const sink = { type: "repository-layout", root, repository: "charts/demo", tags: ["1.2.3"] } as const;
  const { context } = contextFor();
  const first = await chartJob.bring(chartItem(folder, { ...sink, tags: ["1.2.3", "kept"] }), context);
  writeFileSync(join(folder, "values.yaml"), "a: 2\n");
  const second = await chartJob.bring(chartItem(folder, sink), context);
  const kept = (await LayoutRegistry.open(root)).repository("charts/demo");
  expect((await kept.resolve("kept"))?.digest).toBe(first.digest);
  expect((await kept.resolve("1.2.3"))?.digest).toBe(second.digest);
});

test("charts that are kept in one layout at the same time are all there in the end", async () => {
  const root = tempFolder();
  const { context } = contextFor();
  const versions = ["1.0.0", "1.0.1", "1.0.2"];
  const items = versions.map((version) => {
    const folder = writeChart({ ...files, "Chart.yaml": `apiVersion: v2\nname: demo\nversion: ${version}\n` });
    return chartItem(folder, { type: "repository-layout", root, repository: "charts/demo", tags: [version] });
  });
  await Promise.all(items.map((item) => chartJob.bring(item, context)));
  expect(await Promise.all(items.map((item) => chartJob.probe(item, context)))).toEqual(versions.map(() => "present"));
});

test("a chart is kept in one layout under names", async () => {
  const path = join(tempFolder(), "layout");
  const names = ["example.org/charts/demo:1.2.3", "demo"];
  const item = chartItem(writeChart(files), { type: "layout", path, names });
  const { context } = contextFor();
  expect(await chartJob.probe(item, context)).toBe("absent");
  const { digest } = await chartJob.bring(item, context);
  expect(await chartJob.probe(item, context)).toBe("present");
  const layout = await ImageLayout.open(path);
  expect((await layout.resolve("demo"))?.digest).toBe(digest);
  expect((await layout.resolve("1.2.3"))?.digest).toBe(digest);
});

test("a chart is pushed once, only to hosts that are allowed, and a digest it must have is held against it", async () => {
  await using server = await startTestRegistry();
  await using registry = createRegistry(server.host);
  const sink = { type: "push", registry: server.host, repository: "charts/demo", tags: ["1.2.3"] } as const;
  const item = chartItem(writeChart(files), sink);
  const { context } = contextFor(registry);
  const { digest } = await chartJob.bring(item, context);
  expect((await registry.repository("charts/demo").resolve("1.2.3"))?.digest).toBe(digest);
  const writes = () => server.requests().filter(({ method }) => method !== "GET" && method !== "HEAD").length;
  const before = writes();
  await chartJob.bring(item, context);
  expect(writes()).toBe(before);
  const elsewhere = { ...item, sink: { ...sink, registry: "other.example" } };
  await expect(chartJob.bring(elsewhere, context)).rejects.toMatchObject({ code: "HOST_FORBIDDEN" });
  const pinned = { ...item, digest: digestOf(new Uint8Array()) };
  await expect(chartJob.bring(pinned, context)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
});
