import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ImageLayout } from "@tranship/core";
import { createRegistry } from "@tranship/registry";
import { aLayer, anImage, anIndex, startTestRegistry } from "@tranship/registry/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { PullProgress } from "../../packages/core/src/rootfs/progress/pull-progress.ts";
import { fetchImage } from "../../packages/core/src/rootfs/source/fetch-image.ts";
import { copyToLayout } from "../../packages/core/src/rootfs/source/modes/copy-to-layout.ts";
import { exportDockerless } from "../../packages/core/src/rootfs/source/modes/export-dockerless.ts";
import { prepareSource } from "../../packages/core/src/rootfs/source/prepare-source.ts";
import type { SourceSpec } from "../../packages/core/src/rootfs/source/source.ts";
import { ProgramFolder } from "../support/program-folder.ts";
import { pushAll } from "../support/push-all.ts";
import { tempFolder } from "../support/temp-folder.ts";

const image = anImage({ tag: "rootfs", layers: [aLayer({ size: 5000 }), aLayer({ files: { a: "1" } })] });
const digest = image.manifest.descriptor.digest;

/** Gives what lies beside it; a copy is put together as `$HERE/copying` says. */
const skopeo = `
case "$*" in
*--config*) cat "$HERE/config" ;;
inspect*@*) cat "$HERE/by-digest" ;;
inspect*) cat "$HERE/by-tag" ;;
*) . "$HERE/copying" ;;
esac`;

function program({ copying = "" }: { copying?: string } = {}) {
  const programs = new ProgramFolder().add("skopeo", skopeo).add("umoci", "exit 9");
  for (const name of ["by-tag", "by-digest"]) programs.write(name, image.manifest.bytes);
  programs.write("config", image.config.bytes);
  programs.write("copying", copying);
  const { environment } = programs;
  const platform = { os: "linux", architecture: "amd64" };
  const spec: SourceSpec = { imageRef: "r.io/app:v1", mode: "dockerless", platform, environment };
  return { programs, spec };
}

const withoutFolder = (calls: readonly string[]) =>
  calls.map((call) => call.replace(/\|[^|]*\/(auth\.json)\|/, "|$1|"));
const account = { registryUsername: "ann", registryPassword: "s3cret" };

describe.skipIf(process.platform === "win32")("skopeo is called", () => {
  let temporary = "";
  beforeEach(() => {
    temporary = tempFolder();
    vi.stubEnv("TMPDIR", temporary);
  });
  afterEach(() => void vi.unstubAllEnvs());
  const left = () => readdirSync(temporary).filter((name) => name.startsWith("cubemaster-"));

  test("by tag once, then by digest, with its options after the subcommand", async () => {
    const { programs, spec } = program();
    const source = await prepareSource({ ...spec, ...account });
    await expect(copyToLayout(source, join(tempFolder(), "layout"))).rejects.toThrow();
    expect(withoutFolder(programs.calls)).toEqual([
      "inspect|--authfile|auth.json|--raw|--|docker://r.io/app:v1",
      `inspect|--authfile|auth.json|--config|--raw|--|docker://r.io/app@${digest}`,
      `copy|--authfile|auth.json|--dest-oci-accept-uncompressed-layers|--|docker://r.io/app@${digest}|oci:./layout:rootfs`,
    ]);
    await source.cleanup();
    expect(left()).toEqual([]);
  });

  test("without a file of credentials where there are none", async () => {
    const { programs, spec } = program();
    expect(await prepareSource(spec)).toMatchObject({ skopeoAuthFile: "", registryAuth: null });
    expect(programs.calls).toEqual([
      "inspect|--raw|--|docker://r.io/app:v1",
      `inspect|--config|--raw|--|docker://r.io/app@${digest}`,
    ]);
  });

  test("with credentials under the host they are for, which a tag makes none of", async () => {
    const { programs, spec } = program();
    const { skopeoAuthFile } = await prepareSource({ ...spec, ...account, imageRef: "nginx:1.27" });
    expect(Object.keys(JSON.parse(readFileSync(skopeoAuthFile, "utf8")).auths)).toEqual(["docker.io"]);
    expect(statSync(skopeoAuthFile).mode & 0o777).toBe(0o600);
    expect(programs.calls[0]).toMatch(/docker:\/\/docker\.io\/library\/nginx:1\.27$/);
  });

  test("for plain HTTP only where that is asked for, and without credentials", async () => {
    const { programs, spec } = program();
    const imageRef = "http://r.io/app:v1";
    await expect(prepareSource({ ...spec, ...account, imageRef })).rejects.toMatchObject({
      code: "CREDENTIALS_EXPOSED",
    });
    expect(programs.calls).toEqual([]);
    const source = await prepareSource({ ...spec, imageRef });
    await expect(copyToLayout(source, join(tempFolder(), "layout"))).rejects.toThrow();
    expect(programs.calls.map((call) => /-tls-verify=[^|]*|$/.exec(call)?.[0])).toEqual([
      "-tls-verify=false",
      "-tls-verify=false",
      "-tls-verify=false",
    ]);
    expect(programs.calls[2]).toContain("|--src-tls-verify=false|");
  });

  const other = anImage({ tag: "other", layers: [aLayer({ size: 7 }), aLayer({ size: 8 })] }); // as many
  const index = anIndex({ images: [image], platforms: [{ os: "linux", architecture: "amd64" }] });
  test.for([
    {
      what: "another manifest than the digest says",
      file: "by-tag",
      content: index.manifest.bytes,
      more: other.manifest.bytes,
      code: "SOURCE_FAILED",
    },
    {
      what: "another config than the manifest says",
      file: "config",
      content: other.config.bytes,
      code: "SOURCE_FAILED",
    },
    { what: "no manifest", file: "by-tag", content: "<html>", code: "IMAGE_INVALID" },
    { what: "an endless manifest", file: "by-tag", content: Buffer.alloc(5_000_000), code: "IMAGE_INVALID" },
    { what: "a manifest of schema 1", file: "by-tag", content: '{"schemaVersion":1}', code: "IMAGE_INVALID" },
  ])("and not believed when it gives $what", async ({ file, content, more, code }) => {
    const { programs, spec } = program();
    programs.write(file, content);
    if (more !== undefined) programs.write("by-digest", more);
    await expect(prepareSource({ ...spec, ...account })).rejects.toMatchObject({ code });
    expect(left()).toEqual([]);
  });

  test("and what it says when it fails is told, without credentials", async () => {
    const { programs, spec } = program();
    programs.add("skopeo", "echo 'manifest unknown' >&2; exit 1");
    const failure = await prepareSource({ ...spec, ...account }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "TOOL_FAILED", details: { exitCode: 1, output: "manifest unknown\n" } });
    expect(`${String(failure)}${JSON.stringify(failure)}`).not.toContain("s3cret");
    expect(left()).toEqual([]);
  });

  test("and its copy is seen to grow, never beyond what it will be", async () => {
    const copying = `
      mkdir layout; head -c 3000 /dev/zero > layout/oci-put-blob1
      until [ -e "$HERE/seen" ]; do sleep 0.01; done
      head -c 900000 /dev/zero > layout/oci-put-blob2
      until [ -e "$HERE/full" ]; do sleep 0.01; done
      rm -r layout; cp -r "$HERE/ready" layout`;
    const { programs, spec } = program({ copying });
    await pushAll(await ImageLayout.open(join(programs.path, "ready")), image);
    const told: PullProgress[] = [];
    const onPullProgress = (progress: PullProgress) => {
      told.push(progress);
      if (progress.downloadedBytes === 3000) programs.write("seen", "");
      if (progress.downloadedBytes >= progress.totalBytes) programs.write("full", "");
    };
    const source = await prepareSource({ ...spec, onPullProgress });
    await copyToLayout(source, join(tempFolder(), "layout"), { pollMs: 5 });
    const totalBytes = source.compressedSizeBytes;
    expect(told.map(({ downloadedBytes }) => downloadedBytes)).toContain(3000);
    expect(Math.max(...told.map(({ downloadedBytes }) => downloadedBytes))).toBe(totalBytes);
    expect(told.at(-1)).toMatchObject({ totalBytes, downloadedBytes: totalBytes, completedLayers: 2, percent: 100 });
  });

  test("and stays uncalled for an image that was prepared without it, whatever is on PATH by then", async () => {
    await using registry = await startTestRegistry();
    registry.seed("app", image);
    const spec = { imageRef: `${registry.host}/app:rootfs`, platform: { os: "linux", architecture: "amd64" } };
    await using source = createRegistry(registry.host);
    const prepared = await prepareSource({ ...spec, from: () => source, environment: {} });
    const { programs } = program();
    vi.stubEnv("PATH", programs.path);
    vi.stubEnv("CUBEMASTER_NATIVE_ROOTFS_EXPORT_ENABLED", "false");
    registry.reset();
    const directory = tempFolder();
    await using fetched = await fetchImage(prepared, { directory });
    expect(fetched.image).toBe(prepared.image);
    expect([...programs.calls, ...registry.requests(), ...readdirSync(directory)]).toEqual([]);
    await expect(fetchImage({ ...prepared, image: undefined }, { directory })).rejects.toMatchObject({
      code: "SOURCE_UNPREPARED",
    });
  });

  test("and its copy is refused when it is of another image", async () => {
    const { programs, spec } = program({ copying: 'cp -r "$HERE/ready" layout' });
    await pushAll(await ImageLayout.open(join(programs.path, "ready")), { ...other, tags: ["rootfs"] });
    const copy = copyToLayout(await prepareSource(spec), join(tempFolder(), "layout"));
    await expect(copy).rejects.toMatchObject({ code: "IMAGE_INVALID" });
  });

  test("and when umoci fails, the destination is as it was and nothing is beside it", async () => {
    const { programs, spec } = program({ copying: 'cp -r "$HERE/ready" image' });
    await pushAll(await ImageLayout.open(join(programs.path, "ready")), image);
    programs.add("umoci", "mkdir -p bundle/rootfs/closed; chmod 0 bundle/rootfs/closed; echo no luck; exit 1");
    const folder = tempFolder();
    mkdirSync(join(folder, "root"));
    writeFileSync(join(folder, "root", "mine"), "");
    const exported = exportDockerless(await prepareSource(spec), join(folder, "root"));
    await expect(exported).rejects.toMatchObject({
      code: "TOOL_FAILED",
      details: { tool: "umoci", output: "no luck\n" },
    });
    expect(readdirSync(folder)).toEqual(["root"]);
    expect(readdirSync(join(folder, "root"))).toEqual(["mine"]);
    expect(programs.calls.at(-1)).toMatch(/^unpack\|(--rootless\|)?--image\|image:rootfs\|bundle$/);
  });
});
