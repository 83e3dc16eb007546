import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MediaType } from "@tranship/registry";
import { aLayer, anImage, anIndex, startTestRegistry, type TestRegistry } from "@tranship/registry/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { PullProgress } from "../../../packages/core/src/rootfs/progress/pull-progress.ts";
import { fetchImage } from "../../../packages/core/src/rootfs/source/fetch-image.ts";
import { exportDockerless } from "../../../packages/core/src/rootfs/source/modes/export-dockerless.ts";
import { prepareSource } from "../../../packages/core/src/rootfs/source/prepare-source.ts";
import type { PreparedSource, SourceSpec } from "../../../packages/core/src/rootfs/source/source.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { lacking } from "../../support/tools.ts";

const missing = lacking("skopeo", "umoci");
if (missing.length > 0) console.warn(`tests/interop/rootfs/dockerless: skipped, ${missing.join(", ")} not installed`);

const credentials = { username: "ann", password: "s3cret" };
const account = { registryUsername: credentials.username, registryPassword: credentials.password };
const linux = { os: "linux", architecture: "amd64" };
const arm = { os: "linux", architecture: "arm", variant: "v7" };

const image = anImage({ tag: "v1", layers: [aLayer({ files: { "etc/hi": "one" } }), aLayer({ size: 200_000 })] });
const other = anImage({ platform: arm, files: { "etc/hi": "two" } });
const index = anIndex({ images: [other, image], platforms: [arm, linux], tag: "all" });

function prepared(registry: TestRegistry, ref: string, spec: Partial<SourceSpec> = {}): Promise<PreparedSource> {
  const imageRef = `${registry.host}/demo/app${ref}`;
  return prepareSource({ imageRef, mode: "dockerless", platform: linux, ...spec });
}

const asked = (registry: TestRegistry) => registry.requests().map(({ path }) => path.replace("/v2/demo/app/", ""));

describe.skipIf(missing.length > 0)(`images through skopeo and umoci (${missing.join() || "in full"})`, () => {
  let temporary = "";
  beforeEach(() => {
    temporary = tempFolder();
    vi.stubEnv("TMPDIR", temporary);
  });
  afterEach(() => void vi.unstubAllEnvs());
  const left = () => readdirSync(temporary).filter((name) => name.startsWith("cubemaster-"));

  test("an index is asked for once, then all goes by digest, as whoever has the credentials", async () => {
    await using registry = await startTestRegistry({ auth: { scheme: "bearer", credentials } });
    registry.seed("demo/app", index);
    const source = await prepared(registry, ":all", account);
    const { digest } = image.manifest.descriptor;
    expect(source).toMatchObject({
      digest: `${registry.host}/demo/app@${digest}`,
      manifestDigest: digest,
      indexDigest: index.manifest.descriptor.digest,
      compressedSizeBytes: image.layers.reduce((sum, { size }) => sum + size, 0),
      exportMode: "dockerless",
      config: { labels: { seed: "v1" } },
    });
    expect(statSync(source.skopeoAuthFile).mode & 0o777).toBe(0o600);
    expect(statSync(join(source.skopeoAuthFile, "..")).mode & 0o777).toBe(0o700);
    const auth = Buffer.from("ann:s3cret").toString("base64");
    expect(JSON.parse(readFileSync(source.skopeoAuthFile, "utf8"))).toEqual({ auths: { [registry.host]: { auth } } });

    const destination = join(tempFolder(), "with:colon", "root");
    mkdirSync(destination, { recursive: true });
    writeFileSync(join(destination, "stale"), "");
    await exportDockerless(source, destination);
    expect(readdirSync(destination).sort()).toEqual(["etc", "padding"]);
    expect(readFileSync(join(destination, "etc/hi"), "utf8")).toBe("one");
    expect(readdirSync(join(destination, ".."))).toEqual(["root"]);

    const manifests = asked(registry).filter((path) => path.startsWith("manifests/"));
    expect(manifests.filter((path) => path === "manifests/all")).toHaveLength(1);
    expect(manifests.filter((path) => !/^manifests\/(all|sha256:)/.test(path))).toEqual([]);
    expect(asked(registry).filter((path) => path.includes("tags"))).toEqual([]);

    await source.cleanup();
    await source.cleanup();
    expect(left()).toEqual([]);
  });

  test.for(["", `@${image.manifest.descriptor.digest}`])("%j is enough of a reference", async (ref) => {
    await using registry = await startTestRegistry();
    registry.seed("demo/app", { ...image, tags: ["latest"] });
    const source = await prepared(registry, ref);
    expect(source.skopeoAuthFile).toBe("");
    expect(left()).toEqual([]);
    const destination = join(tempFolder(), "root");
    await exportDockerless(source, destination);
    expect(readFileSync(join(destination, "etc/hi"), "utf8")).toBe("one");
  });

  const plain = aLayer({ files: { a: "1" }, gzip: false });
  test.for([
    { kind: "Docker's", layers: image.layers.map((layer) => ({ ...layer, mediaType: MediaType.dockerLayerGzip })) },
    { kind: "unpacked layers, one of them twice,", layers: [plain, ...image.layers, plain] },
  ])("the copy of $kind can be read like any layout, and tells its bytes", async ({ kind, layers }) => {
    await using registry = await startTestRegistry();
    const docker = anImage({ tag: "v1", docker: kind === "Docker's", layers });
    registry.seed("demo/app", docker);
    const told: PullProgress[] = [];
    const source = await prepared(registry, ":v1", { onPullProgress: (progress) => told.push(progress) });
    expect(source.manifestDigest).toBe(docker.manifest.descriptor.digest);
    await using fetched = await fetchImage(source, { directory: tempFolder() });
    const copy = fetched.image;
    for (const { descriptor } of copy.layers) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of copy.repository.fetchBlob(descriptor)) chunks.push(chunk);
      expect(Buffer.concat(chunks)).toHaveLength(descriptor.size);
    }
    const sizes = [...new Map(layers.map(({ digest, size }) => [digest, size])).values()];
    const [totalBytes, totalLayers] = [sizes.reduce((sum, size) => sum + size, 0), sizes.length];
    const whole = { totalBytes, downloadedBytes: totalBytes, totalLayers, completedLayers: totalLayers };
    expect(told.at(-1)).toMatchObject(whole);
    expect(told.at(-1)?.percent).toBe(100);
  });

  test.for([
    {
      what: "a platform the index lacks",
      ref: ":all",
      spec: { platform: { os: "linux", architecture: "s390x" } },
      code: "PLATFORM_NOT_FOUND",
    },
    { what: "an image for another platform", ref: ":v1", spec: { platform: arm }, code: "PLATFORM_MISMATCH" },
    { what: "no such tag", ref: ":nothing", spec: {}, code: "TOOL_FAILED" },
    { what: "no umoci", ref: ":all", spec: { environment: { PATH: "/nowhere" } }, code: "TOOL_MISSING" },
  ])("$what leaves no credentials behind", async ({ ref, spec, code }) => {
    await using registry = await startTestRegistry();
    registry.seed("demo/app", index, image);
    await expect(prepared(registry, ref, { ...account, ...spec })).rejects.toMatchObject({ code });
    expect(left()).toEqual([]);
  });

  test("a failed or aborted export leaves the destination as it was, and nothing beside it", async () => {
    await using registry = await startTestRegistry();
    registry.seed("demo/app", image);
    const abort = new AbortController();
    const source = await prepared(registry, ":v1", { onPullProgress: () => abort.abort(new Error("enough")) });
    const parent = tempFolder();
    writeFileSync(join(parent, "root"), "what was there");
    await expect(exportDockerless(source, join(parent, "root"), { signal: abort.signal })).rejects.toThrow("enough");
    const thrown = { onPullProgress: () => expect.unreachable("thrown") };
    await expect(exportDockerless(source, join(parent, "root"), thrown)).rejects.toThrow("thrown");
    expect(readdirSync(parent)).toEqual(["root"]);
    expect(readFileSync(join(parent, "root"), "utf8")).toBe("what was there");
  });
});
