import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { openBytes, parseManifest } from "@tranship/registry";
import { expect, test } from "vitest";
import { packChart } from "../../packages/core/src/deps/charts/pack-chart.ts";
import { serveMemory } from "../support/served-homes.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { lacking } from "../support/tools.ts";

const missing = lacking("helm");
if (missing.length > 0) console.warn("tests/interop/helm: skipped, helm is not installed");

const run = promisify(execFile);

async function helm(...args: readonly string[]): Promise<string> {
  const home = tempFolder();
  const env = {
    PATH: process.env.PATH,
    HOME: home,
    HELM_CACHE_HOME: home,
    HELM_CONFIG_HOME: home,
    HELM_DATA_HOME: home,
  };
  const { stdout } = await run("helm", args, { env, timeout: 60_000 });
  return stdout;
}

function writeChart(files: Readonly<Record<string, string>>): string {
  const folder = join(tempFolder(), "demo");
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

const chart = {
  "Chart.yaml": [
    "apiVersion: v2",
    "name: demo",
    "version: 1.2.3",
    "appVersion: 1.10",
    'description: "a <b> & c\\u00a0d"',
    "home: https://one.example",
    "icon: https://one.example/icon.png",
    "kubeVersion: '>=1.20.0-0'",
    "deprecated: yes",
    "keywords: [one, on, 1e3]",
    "sources: [https://one.example, https://two.example]",
    "maintainers: [{name: Ann, email: ann@x.example}, {name: Bob, url: https://bob.example}]",
    'annotations: {z: "1", a: "<&>", "b/c": ""}',
    "type: application",
    "dependencies:",
    "- {name: own, version: 1.x, repository: '', condition: own.enabled, tags: [a], alias: mine, import-values: [{parent: b, child: a}, c]}",
  ].join("\n"),
  "values.yaml": "greeting: hello\n",
  ".helmignore": "*.bak\n/docs/\n",
  "templates/one.yaml":
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {greeting: '{{ .Values.greeting }}'}\n",
  "templates/.hidden": "{{ fail }}",
  "charts/own/Chart.yaml": "apiVersion: v2\nname: own\nversion: 1.0.0\n",
  "charts/own/templates/two.yaml":
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\ndata: {own: '{{ .Chart.Name }}'}\n",
};

test.skipIf(missing.length > 0)("helm reads, templates and pulls the charts we pack as those it packs", async () => {
  const folder = writeChart({ ...chart, "a.bak": "", "docs/a": "", "sub/docs/b": "" });
  const ours = await packChart(folder);
  const path = join(tempFolder(), "ours.tgz");
  writeFileSync(path, ours.archive.bytes);
  await helm("package", folder, "--destination", dirname(path));
  const theirs = join(dirname(path), "demo-1.2.3.tgz");
  for (const words of [
    ["show", "all"],
    ["template", "release"],
  ])
    expect(await helm(...words, path), words[0]).toBe(await helm(...words, theirs));
  const names = async (archive: string) => (await run("tar", ["-tzf", archive])).stdout.trim().split("\n").sort();
  expect(await names(path)).toEqual(await names(theirs));

  await using server = await serveMemory();
  const repository = server.registry.repository("charts/demo");
  await helm("push", theirs, `oci://${server.host}/charts`, "--plain-http");
  const pushed = await repository.manifest("1.2.3");
  const content = parseManifest(pushed);
  if (content.kind !== "image") throw new Error("helm pushed an index");
  const config = await Array.fromAsync(repository.fetchBlob(content.config));
  expect(Buffer.from(ours.config.bytes).toString()).toBe(Buffer.concat(config).toString());
  const { "org.opencontainers.image.created": _created, ...annotations } = content.annotations ?? {};
  const { manifest } = ours;
  expect(parseManifest(manifest).annotations).toEqual(annotations);

  for (const { bytes, ...blob } of [ours.config, ours.archive]) await repository.pushBlob(blob, openBytes(bytes));
  await repository.pushManifest(manifest, { tags: ["1.2.3"] });
  const pulled = tempFolder();
  await helm("pull", `oci://${server.host}/charts/demo`, "--version", "1.2.3", "--plain-http", "--destination", pulled);
  expect(readFileSync(join(pulled, "demo-1.2.3.tgz"))).toEqual(Buffer.from(ours.archive.bytes));
});

test
  .skipIf(missing.length > 0)
  .for([
    "",
    "*.txt",
    "/*.txt",
    "sub/",
    "sub/*.txt",
    "a.txt/",
    "!*.yaml",
    "!Chart.yaml",
    "*.md\n!*.txt",
    "[a-b].*",
    "[^a].txt",
    "sub*",
    "/sub/a.*",
    "?.md  ",
    "# x\n\n\ttemplates/*.txt",
    "\\#x",
  ])("helm packs the same files with %j in .helmignore", async (rules) => {
  const folder = writeChart({
    "Chart.yaml": "apiVersion: v2\nname: demo\nversion: 1.0.0\n",
    ".helmignore": rules,
    "a.txt": "",
    "b.md": "",
    "#x": "",
    "sub/a.txt": "",
    "sub/deep/a.txt": "",
    "templates/c.txt": "",
    "templates/.d": "",
  });
  const to = tempFolder();
  const theirs = await helm("package", folder, "--destination", to).then(
    () => true,
    () => false,
  );
  const ours = await packChart(folder).catch(() => undefined);
  expect(ours !== undefined).toBe(theirs);
  if (ours === undefined) return;
  writeFileSync(join(to, "ours.tgz"), ours.archive.bytes);
  const names = async (archive: string) =>
    (await run("tar", ["-tzf", join(to, archive)])).stdout.trim().split("\n").sort();
  expect(await names("ours.tgz")).toEqual(await names("demo-1.0.0.tgz"));
});
