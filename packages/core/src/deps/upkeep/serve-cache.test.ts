import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { createRegistry, digestOf } from "@tranship/registry";
import { anImage } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { fileItem, push, write } from "../../../../../tests/support/cache-items.ts";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { lacking } from "../../../../../tests/support/tools.ts";
import { LayoutRegistry } from "../../layout/layout-registry.ts";
import { DepsCache } from "../cache/deps-cache.ts";
import { manifestUrls, resolveUrl } from "../podplane/index.ts";
import { serveCache } from "./serve-cache.ts";

const run = promisify(execFile);

const components = '{"components": {"version": "2", "images": []}}';

async function aCache(): Promise<{ readonly folder: string; readonly root: string }> {
  const folder = tempFolder();
  const root = join(folder, "deps");
  mkdirSync(root);
  fileItem(root, "tool", "0123456789");
  const digest = digestOf(Buffer.from(components), "sha256");
  write(join(root, ".tranship", "manifests", "sha256", `${digest.slice(7)}.json`), components);
  const url = "https://deps.example/manifests/components.json";
  await using cache = await DepsCache.open(root);
  const signature = Buffer.from("signed").toString("base64");
  cache.state.set("manifest/components", { digest, url, signature, fetchedAt: "2026-01-01T00:00:00Z" });
  write(
    join(root, "components", "manifests", "components.json"),
    '{"components": {"version": "2", "images": [], "cached": true}}',
  );
  return { folder, root };
}

test("manifests are served as they were published, and files where their manifests have them", async () => {
  const { folder, root } = await aCache();
  await using server = await serveCache(root);
  const urls = manifestUrls(server.url);
  const answer = await fetch(urls.components);
  expect([await answer.text(), answer.headers.get("content-type")]).toEqual([components, "application/json"]);
  expect(await (await fetch(`${urls.components}.sig`)).text()).toBe(Buffer.from("signed").toString("base64"));
  const seeds = {
    seeds: {
      version: "1",
      snapshots: { a: { url: "https://a.example/a.netsy", digest: `sha256:${"0".repeat(64)}`, size: 1, cached: true } },
    },
  };
  write(join(root, "seeds", "manifests", "seeds.json"), JSON.stringify(seeds));
  const local = await (await fetch(urls.seeds)).text();
  expect([local.includes("a.netsy"), local.includes("cached")]).toEqual([true, false]);
  write(join(root, "seeds", "manifests", "seeds.json"), JSON.stringify(seeds).slice(0, -9));
  expect((await fetch(urls.seeds)).status).toBe(500); // harmed, and not missing
  const url = resolveUrl({ name: "tool", version: "1.0", url: "https://files.example/tool" }, server.url);
  const part = await fetch(url, { headers: { range: "bytes=7-" } });
  expect([part.status, await part.text()]).toEqual([206, "789"]);
  expect(part.headers.get("etag")).toBe(`"${digestOf(Buffer.from("0123456789"))}"`);
  symlinkSync(write(join(folder, "secret"), "secret"), join(root, "vmconfig", "artifacts", "out"));
  symlinkSync(join(root, ".tranship", "state.json"), join(root, "vmconfig", "artifacts", "state"));
  symlinkSync(folder, join(root, "files"));
  for (const path of [
    "/",
    "/manifests",
    "/manifests/",
    "/manifests/components",
    "/manifests/templates.json",
    "/manifests/..%2fstate.json",
    "/vmconfig/artifacts/tool",
    "/vmconfig/artifacts/out",
    "/vmconfig/artifacts/state",
    "/files/secret",
    "/.tranship/state.json",
    "/components/manifests/components.json",
    "/vmconfig/artifacts/%00",
  ])
    expect([path, (await fetch(server.url + path)).ok]).toEqual([path, false]);
});

test("images and charts are one registry, for reading", async () => {
  const { folder, root } = await aCache();
  const image = anImage({ tag: "v1" });
  const chart = anImage({ tag: "1.0.0", seed: "chart" });
  const images = await LayoutRegistry.open(join(folder, "registry"), { create: true });
  const charts = await LayoutRegistry.open(join(root, "templates", "charts"), { create: true });
  await push(images.repository("mirror/q.io/app"), image);
  await push(charts.repository("q.io/chart"), chart);
  await push(charts.repository("mirror/q.io/app"), anImage({ tag: "v0" }));
  await using server = await serveCache(root);
  await using registry = createRegistry(server.host);
  const paths: string[] = [];
  for await (const path of registry.repositories()) paths.push(path);
  expect(paths).toEqual(["mirror/q.io/app", "q.io/chart"]);
  const app = registry.repository("mirror/q.io/app");
  const tags: string[] = [];
  for await (const tag of app.tags()) tags.push(tag);
  expect(tags.sort()).toEqual(["v0", "v1"]);
  expect((await app.manifest("v1")).descriptor.digest).toBe(image.manifest.descriptor.digest);
  expect((await registry.repository("q.io/chart").resolve("1.0.0"))?.digest).toBe(chart.manifest.descriptor.digest);
  expect(await app.resolve("v9")).toBeUndefined();
  await expect(push(app, anImage({ tag: "v2" }))).rejects.toMatchObject({ name: "RegistryError" });
});

test.skipIf(lacking("skopeo").length > 0)("skopeo pulls an image that a cache serves", async () => {
  const { folder, root } = await aCache();
  const image = anImage({ tag: "v1", size: 100_000 });
  const images = await LayoutRegistry.open(join(folder, "registry"), { create: true });
  await push(images.repository("mirror/q.io/app"), image);
  await using server = await serveCache(root);
  const target = join(folder, "pulled");
  const from = `docker://${server.host}/mirror/q.io/app:v1`;
  await run("skopeo", ["--insecure-policy", "copy", "-q", "--src-tls-verify=false", from, `dir:${target}`]);
  const manifest = readFileSync(join(target, "manifest.json"));
  expect(digestOf(manifest, "sha256")).toBe(image.manifest.descriptor.digest);
  expect(readFileSync(join(target, image.layers[0]?.digest.slice(7) ?? "")).byteLength).toBe(image.layers[0]?.size);
});

test("a signal ends the server, credentials are wanted from who asks, and what is no cache is not served", async () => {
  const { root } = await aCache();
  const ending = new AbortController();
  const server = await serveCache(root, { signal: ending.signal, credentials: { username: "ann", password: "pw" } });
  expect((await fetch(`${server.url}/manifests/components.json`)).status).toBe(401);
  ending.abort();
  await server.close();
  await expect(fetch(server.url)).rejects.toThrow();
  await expect(serveCache(join(dirname(root), "nowhere"))).rejects.toMatchObject({ code: "NOT_CACHED" });
});
