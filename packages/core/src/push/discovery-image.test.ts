import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { type Descriptor, digestHex, digestOf, parseManifest } from "@tranship/registry";
import { expect, onTestFinished, test } from "vitest";
import { createDiscoveryImage } from "./discovery-image.ts";

async function bytesOf(blob: Descriptor): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of createDiscoveryImage().source.fetchBlob(blob)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tranship-discovery-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test("is the same image on every machine and in every version", () => {
  // Another digest would make every push rewrite the discovery tags of every mirror.
  expect(createDiscoveryImage().manifest.descriptor.digest).toBe(
    "sha256:3cd231e58d9d59f61afa4fa661466a2c12b52eb3763f153353cd26eb8892f1fe",
  );
});

test("is a Docker image with one gzip layer of one file of 32 bytes", async () => {
  const { manifest, graph } = createDiscoveryImage();
  const content = parseManifest(manifest);
  if (content.kind !== "image") return expect.unreachable();
  expect(content.mediaType).toBe("application/vnd.docker.distribution.manifest.v2+json");
  expect(content.config.mediaType).toBe("application/vnd.docker.container.image.v1+json");
  expect(content.layers.map(({ mediaType }) => mediaType)).toEqual([
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
  ]);
  expect(graph.blobs.map(({ digest }) => digest)).toEqual([content.config.digest, content.layers[0]?.digest]);
  for (const blob of graph.blobs) {
    const bytes = await bytesOf(blob);
    expect([digestOf(bytes), bytes.byteLength]).toEqual([blob.digest, blob.size]);
  }
  const [config, layer] = await Promise.all(graph.blobs.map(bytesOf));
  const tar = gunzipSync(layer ?? new Uint8Array());
  expect(JSON.parse(Buffer.from(config ?? []).toString()).rootfs).toEqual({
    type: "layers",
    diff_ids: [digestOf(tar)],
  });
  const listed = execFileSync("tar", ["-tv"], { input: tar, encoding: "utf8" }).trim().split("\n");
  expect(listed).toHaveLength(1);
  expect(listed[0]).toMatch(/^-.*\s32\s.*placeholder\.txt$/);
});

const hasTools = ["skopeo", "umoci"].every((tool) => spawnSync(tool, ["--version"]).status === 0);

test.skipIf(!hasTools)("can be copied by skopeo and unpacked by umoci", async () => {
  const folder = temporaryFolder();
  const { manifest, graph } = createDiscoveryImage();
  const image = mkdtempSync(join(folder, "dir-"));
  writeFileSync(join(image, "version"), "Directory Transport Version: 1.1\n");
  writeFileSync(join(image, "manifest.json"), manifest.bytes);
  for (const blob of graph.blobs) writeFileSync(join(image, digestHex(blob.digest)), await bytesOf(blob));
  execFileSync("skopeo", ["--insecure-policy", "copy", "-q", `dir:${image}`, `oci:${folder}/layout:tag`]);
  execFileSync("umoci", [
    "--log=error",
    "raw",
    "unpack",
    "--rootless",
    "--image",
    `${folder}/layout:tag`,
    `${folder}/unpacked`,
  ]);
  const [file = ""] = readdirSync(join(folder, "unpacked"), { recursive: true, encoding: "utf8" });
  expect(readFileSync(join(folder, "unpacked", file), "utf8")).toHaveLength(32);
});
