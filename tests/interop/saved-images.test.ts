import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createRegistry } from "@tranship/registry";
import { aLayer, anImage, partsOf } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { ImageLayout } from "../../packages/core/src/layout/image-layout.ts";
import { hasLocalBlobFiles } from "../../packages/core/src/rootfs/layers/local-blob-files.ts";
import { openSource, type SourcePlace } from "../../packages/core/src/rootfs/source/open-source.ts";
import { prepareSource } from "../../packages/core/src/rootfs/source/prepare-source.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { lacking } from "../support/tools.ts";

const missing = lacking("skopeo", "docker-registry");
const lacks = `(lacking: ${missing.join(", ") || "nothing"})`;

const platform = { os: "linux", architecture: "amd64" };
const base = aLayer({ files: { "etc/os": "base" }, gzip: false });
const top = aLayer({ files: { "etc/app": "top" } });
const image = anImage({ tag: "v1", layers: [base, top, base] });
const diffIds = [base.diffId, top.diffId, base.diffId];

async function makeLayout(folder: string): Promise<string> {
  const path = join(folder, "layout");
  const layout = await ImageLayout.open(path);
  const { blobs, manifests } = partsOf(image);
  for (const blob of blobs) {
    await layout.pushBlob(blob, async function* () {
      yield blob.bytes;
    });
  }
  for (const { manifest, tags } of manifests) await layout.pushManifest(manifest, { tags });
  return path;
}

function skopeo(...args: readonly string[]): string {
  return execFileSync("skopeo", args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

test.skipIf(missing.length > 0)(`images that skopeo saved are read where they lie ${lacks}`, async () => {
  const folder = tempFolder();
  const layout = await makeLayout(folder);
  const saved: readonly [SourcePlace["kind"], string, string, string | undefined, string][] = [
    ["docker-archive", "named.tar", "docker-archive:named.tar:app:v1", "app:v1", "docker.io/library/app"],
    ["docker-archive", "nameless.tar", "docker-archive:nameless.tar", undefined, "docker-archive:"],
    ["docker-archive", "layout.tar", "oci-archive:layout.tar:v1", "v1", "docker-archive:"],
    ["oci", "other", "oci:other:v1", "v1", "oci:"],
    ["oci", "untagged", "oci:untagged", undefined, "oci:"],
  ];
  for (const [kind, file, target, reference, name] of saved) {
    skopeo("copy", "--quiet", `oci:${layout}:v1`, target.replace(file, join(folder, file)));
    await using opened = await openSource({ kind, path: join(folder, file) }, reference);
    const source = await prepareSource({ ...opened.spec, platform });
    expect(source.image?.layers.map(({ diffId }) => diffId)).toEqual(diffIds);
    expect(source.digest.startsWith(name)).toBe(true);
    for (const { descriptor } of source.image?.layers ?? []) {
      const { repository } = opened.spec;
      const pieces = hasLocalBlobFiles(repository) ? await repository.filePieces(descriptor) : undefined;
      const parts = (pieces ?? []).map((one) => readFileSync(one.path).subarray(one.offset, one.offset + one.length));
      const hash = createHash("sha256").update(Buffer.concat(parts)).digest("hex");
      expect(`sha256:${hash}`).toBe(descriptor.digest);
    }
  }
});

test.skipIf(missing.length > 0)(`what is found in a docker-registry is what skopeo finds there ${lacks}`, async () => {
  await using registry = await startDockerRegistry();
  const layout = await makeLayout(tempFolder());
  const imageRef = `${registry.host}/demo/app:v1`;
  skopeo("copy", "--quiet", "--dest-tls-verify=false", `oci:${layout}:v1`, `docker://${imageRef}`);
  const source = await prepareSource({ imageRef, from: (host) => createRegistry(host), platform, mode: "native" });
  const told = JSON.parse(skopeo("inspect", "--tls-verify=false", `docker://${imageRef}`)) as Record<string, unknown>;
  expect(source.digest).toBe(`${told.Name}@${told.Digest}`);
  expect(source.image?.layers.map(({ descriptor }) => descriptor.digest)).toEqual(told.Layers);
  expect(source.config.env ?? []).toEqual(told.Env ?? []);
});
