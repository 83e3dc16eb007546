import { execFile } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { createRegistry, type Digest, digestHex, MemoryRegistry, type Platform } from "@tranship/registry";
import {
  aBlob,
  anImage,
  anIndex,
  type BuiltImage,
  type BuiltIndex,
  partsOf,
  seedMemory,
} from "@tranship/registry/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { applyDeps } from "../../packages/core/src/deps/apply/apply-deps.ts";
import { planDeps } from "../../packages/core/src/deps/apply/plan-deps.ts";
import { DepsCache } from "../../packages/core/src/deps/cache/deps-cache.ts";
import type { DepsItem } from "../../packages/core/src/deps/manifest.ts";
import { mergeItems } from "../../packages/core/src/deps/merge-items.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { goTool } from "../support/go-tools.ts";
import { pushAll } from "../support/push-all.ts";
import { startServerProgram } from "../support/server-program.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { lacking } from "../support/tools.ts";
import { isZotName, zotRead, zotSweep } from "../support/zot-model.ts";

const run = promisify(execFile);
const missing = lacking("skopeo", "docker-registry");
if (missing.length > 0) console.warn(`tests/interop/kept-images: skipped, ${missing.join(" and ")} not installed`);
const olareg = await goTool("olareg");
if (olareg.missing !== undefined) console.warn(`tests/interop/kept-images: not through olareg, ${olareg.missing}`);

const amd64: Platform = { os: "linux", architecture: "amd64" };
const arm64: Platform = { os: "linux", architecture: "arm64" };
const images = [anImage({ seed: "amd64" }), anImage({ seed: "arm64", platform: arm64 })] as const;
const index = anIndex({ images, platforms: [amd64, arm64], tag: "v1" });
const docker = anImage({ seed: "docker", docker: true, tag: "docker" });
const chart = anImage({
  tag: "1.0.0",
  layers: [{ ...aBlob({ seed: "chart" }), mediaType: "application/vnd.cncf.helm.chart.content.v1.tar+gzip" }],
});
const digest = ({ manifest }: BuiltImage | BuiltIndex): Digest => manifest.descriptor.digest;

/** What is kept of one registry: each way an image comes to be in a store. */
function itemsFor(registry: string, root: string): readonly DepsItem[] {
  const item = (repository: string, id: Digest, tags: readonly string[], source: object = {}): DepsItem => ({
    id: `${repository}@${id}`,
    version: "1",
    source: { type: "image", registry, repository: "copied/app", ...source },
    digest: id,
    selectors: {},
    sink: { type: "repository-layout", root, repository: `mirror/${repository}`, tags },
    labels: {},
  });
  return [
    item("example.org/pinned", digest(images[1]), ["v1"], { index: digest(index), platform: arm64 }),
    item("example.org/local", digest(images[0]), ["v1"], { platform: amd64 }),
    item("example.org/local", digest(images[1]), ["v1"], { platform: arm64 }),
    item("example.org/unnamed", digest(images[0]), [], { index: digest(index), platform: amd64 }),
    item("example.org/bare", digest(images[1]), [], { platform: arm64 }),
    item("example.org/whole", digest(index), ["v1"]),
    item("example.org/docker", digest(docker), ["v1", "latest"]),
    item("charts/web", digest(chart), ["1.0.0"], { type: "artifact" }),
  ];
}

/** What must be found of them: by tags, and by the digests of indexes and images. */
const references: readonly [repository: string, reference: string, expected: Digest | undefined][] = [
  ["example.org/pinned", "v1", digest(index)],
  ["example.org/pinned", digest(index), digest(index)],
  ["example.org/pinned", digest(images[1]), digest(images[1])],
  ["example.org/local", "v1", undefined],
  ["example.org/local", digest(images[0]), digest(images[0])],
  ["example.org/local", digest(images[1]), digest(images[1])],
  ["example.org/unnamed", digest(index), digest(index)],
  ["example.org/unnamed", digest(images[0]), digest(images[0])],
  ["example.org/bare", digest(images[1]), digest(images[1])],
  ["example.org/whole", "v1", digest(index)],
  ["example.org/whole", digest(images[0]), digest(images[0])],
  ["example.org/docker", "latest", digest(docker)],
  ["charts/web", "1.0.0", digest(chart)],
];

async function skopeo(...args: readonly string[]): Promise<string> {
  return (await run("skopeo", [...args], { timeout: 60_000 })).stdout;
}

function digestOfText(text: string | Buffer): Promise<string> {
  return crypto.subtle
    .digest("SHA-256", Buffer.from(text))
    .then((bytes) => `sha256:${Buffer.from(bytes).toString("hex")}`);
}

/** Puts an image into a repository that nobody names, and gives the file of its manifest. */
function strayIn(folder: string): string {
  const stray = anImage({ seed: "stray" });
  const fileOf = (one: Digest) => join(folder, "blobs", "sha256", digestHex(one));
  for (const blob of partsOf(stray).blobs) writeFileSync(fileOf(blob.digest), blob.bytes);
  writeFileSync(fileOf(digest(stray)), stray.manifest.bytes);
  const list = JSON.parse(readFileSync(join(folder, "index.json"), "utf8")) as { manifests: object[] };
  const manifests = [...list.manifests, stray.manifest.descriptor];
  writeFileSync(join(folder, "index.json"), JSON.stringify({ ...list, manifests }));
  return fileOf(digest(stray));
}

test.skipIf(missing.length > 0)(
  "images that were kept are found by other tools, also after those cleared up",
  async () => {
    await using server = await startDockerRegistry();
    await using remote = createRegistry(server.host);
    await pushAll(remote.repository("org/app"), index, docker, chart);
    const plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    await Promise.all(
      ["v1", "docker", "1.0.0"].map((tag) => {
        const [from, to] = ["org", "copied"].map((path) => `docker://${server.host}/${path}/app:${tag}`);
        return skopeo("copy", "--quiet", "--all", "--preserve-digests", ...plain, from ?? "", to ?? "");
      }),
    );
    const folder = tempFolder();
    const root = join(folder, "registry");
    const items = itemsFor(server.host, root);
    const access = { files: { fetch: () => Promise.reject(new Error("no files")) }, registry: () => remote };
    await using cache = await DepsCache.open(join(folder, "deps"), { also: [root] });
    await applyDeps(await planDeps(items, cache), cache, access);
    expect(await planDeps(items, cache, { isDeep: true })).toMatchObject({ missing: 0 });

    // skopeo, in the folders
    const layoutOf = (repository: string) => join(root, "mirror", repository);
    for (const [repository, arch, image] of [
      ["example.org/local", "arm64", images[1]],
      ["example.org/pinned", "arm64", images[1]],
      ["example.org/whole", "amd64", images[0]],
    ] as const) {
      const to = join(folder, repository.replaceAll("/", "-"));
      const from = `oci:${layoutOf(repository)}:v1`;
      await skopeo(
        "copy",
        "--quiet",
        "--preserve-digests",
        `--override-arch=${arch}`,
        "--override-os=linux",
        from,
        `dir:${to}`,
      );
      expect(await digestOfText(readFileSync(join(to, "manifest.json")))).toBe(digest(image));
    }

    // as zot finds and clears
    const swept = join(folder, "swept");
    await cp(root, swept, { recursive: true });
    const repositories = [...new Set(references.map(([repository]) => repository))];
    for (const repository of repositories) {
      const copy = join(swept, "mirror", repository);
      expect(isZotName(`mirror/${repository}`)).toBe(true);
      const stray = strayIn(copy);
      expect(zotSweep(copy)).toHaveLength(4); // its entry, and three files
      expect(existsSync(stray)).toBe(false);
    }
    for (const home of [root, swept]) {
      for (const [repository, reference, expected] of references) {
        const bytes = zotRead(join(home, "mirror", repository), reference);
        if (expected !== undefined) expect(await digestOfText(bytes)).toBe(expected);
      }
    }
    const sweptItems = itemsFor(server.host, swept);
    await using sweptCache = await DepsCache.open(join(folder, "swept-deps"), { also: [swept] });
    expect(await planDeps(sweptItems, sweptCache)).toMatchObject({ missing: 0 });

    if (olareg.path === undefined) return;
    const strays = repositories.map((repository) => strayIn(layoutOf(repository)));
    await using served = await startServerProgram(olareg.path, ({ port }) => [
      "serve",
      ...["--addr", "127.0.0.1", "--port", String(port), "--dir", root],
      ...["--gc-untagged", "--gc-frequency", "50ms", "--gc-grace-period", "1ms"],
    ]);
    await using client = createRegistry(served.host);
    for (const [repository, reference, expected] of references) {
      const found = await client.repository(`mirror/${repository}`).manifest(reference);
      expect(found.descriptor.digest).toBe(expected ?? found.descriptor.digest);
    }
    while (strays.some(existsSync)) await sleep(20); // it clears up what it was asked about, in its own time
    const texts = await Promise.all(
      references.map(([repository, reference]) => {
        const name = `docker://${served.host}/mirror/${repository}${reference.includes(":") ? "@" : ":"}${reference}`;
        return skopeo("inspect", "--raw", "--tls-verify=false", name);
      }),
    );
    for (const [at, [, , expected]] of references.entries()) {
      if (expected !== undefined) expect(await digestOfText(texts[at] ?? "")).toBe(expected);
    }
    const to = join(folder, "pulled");
    const local = `docker://${served.host}/mirror/example.org/local:v1`;
    await skopeo("copy", "--quiet", "--src-tls-verify=false", "--override-arch=arm64", local, `dir:${to}`);
    expect(await digestOfText(readFileSync(join(to, "manifest.json")))).toBe(digest(images[1]));
    expect(await planDeps(items, cache, { isDeep: true })).toMatchObject({ missing: 0 });
  },
);

const platforms: readonly Platform[] = [
  amd64,
  { ...amd64, variant: "v3" },
  { ...arm64, variant: "v8" },
  { os: "linux", architecture: "arm", variant: "v7" },
];
const many = platforms.map((platform, at) => anImage({ seed: at, platform }));
const ofMany = anIndex({ images: many, platforms });

test("images are there after one run, whatever names they share, and stay when others are cleared away", async () => {
  const registry = new MemoryRegistry();
  seedMemory(registry, "app", [ofMany]);
  const access = { files: { fetch: () => Promise.reject(new Error("no files")) }, registry: () => registry };
  const row = fc.record({
    tag: fc.constantFrom("v1", "latest", "pinned", undefined),
    image: fc.nat({ max: many.length }),
    hasPlatform: fc.boolean(),
  });
  const property = fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 8 }), async (rows) => {
    const folder = tempFolder();
    const root = join(folder, "registry");
    const items = rows.map(({ tag, image, hasPlatform }, at): DepsItem => {
      const wanted = many[image] ?? ofMany;
      const isPinned = tag === "pinned" && wanted !== ofMany;
      const source = {
        ...({ type: "image", registry: "memory", repository: "app" } as const),
        ...(hasPlatform && wanted !== ofMany ? { platform: platforms[image] } : {}),
        ...(isPinned ? { index: digest(ofMany) } : {}),
      } as const;
      const sink = {
        type: "repository-layout",
        root,
        repository: "app",
        tags: tag === undefined ? [] : [tag],
      } as const;
      return { id: String(at), version: "1", source, digest: digest(wanted), selectors: {}, sink, labels: {} };
    });
    await using cache = await DepsCache.open(join(folder, "deps"), { also: [root] });
    await applyDeps(await planDeps(mergeItems(items), cache), cache, access);
    expect(await planDeps(items, cache)).toMatchObject({ missing: 0 });
    zotSweep(join(root, "app"));
    expect(await planDeps(items, cache)).toMatchObject({ missing: 0 });
  });
  await fc.assert(property, { numRuns: 10 });
});
