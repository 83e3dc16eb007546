import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DepsAccess } from "@tranship/core/deps";
//#region ready
import { isMendedByDownload, PodplaneDeps, type VmConfigManifest } from "@tranship/core/deps";

/** Makes sure that all a machine needs is in the cache; asks somebody only if it is not. */
export async function ready(deps: PodplaneDeps, arch: string, signal: AbortSignal): Promise<VmConfigManifest> {
  const verified = () => deps.verify("knc", arch, { signal }); // by what is known of the files, without reading them
  try {
    return await verified();
  } catch (error) {
    if (!isMendedByDownload(error)) throw error;
  }
  await deps.download({
    arch,
    providers: "aws",
    addons: ["traefik"], // unless told, those podplane recommends
    signal,
    onEvent: (event) => {
      if (event.type === "status") console.log(event.message);
    },
  });
  return await verified();
}
//#endregion

// Run as a script, it does so with manifests, files, images, a chart and a seed snapshot that are on this machine.
const { installItems, mirroredImageRef, resolveUrl, serveCache } = await import("@tranship/core/deps");
const { createFileClient, createRegistries, createRegistry, digestOf, parseDigest, parseReference } = await import(
  "@tranship/registry"
);
const { aBlob, anImage, startFileServer } = await import("@tranship/registry/testing");
const { onThisMachine } = await import("./support/on-this-machine.ts");

await onThisMachine(async ({ source, folder }) => {
  await using server = await startFileServer();
  const runc = Buffer.alloc(300_000, "runc");
  const fileOf = (path: string, bytes: Buffer, type: string) => ({
    version: "1",
    url: server.put(path, bytes),
    type,
    digest: digestOf(bytes),
    size: bytes.length,
  });
  const rowOf = (name: string) => {
    const image = anImage({ tag: "v1", seed: name, size: 100_000, platform: { os: "linux", architecture: "amd64" } });
    source.seed(name, image);
    const row = { image: `registry.example/${name}:v1`, digest: image.manifest.descriptor.digest, size: 100_000 };
    return { ...row, platform: "linux/amd64" };
  };
  const layer = aBlob({ content: "a chart", mediaType: "application/vnd.cncf.helm.chart.content.v1.tar+gzip" });
  const chart = anImage({ layers: [layer], tag: "0.9.0" });
  source.seed("charts/web", chart);
  const seeds = Buffer.from("a snapshot");
  const published = {
    "vmconfig_knc_debian-13_amd64": {
      vmconfig: {
        version: "1.8.0",
        kind: "knc",
        os: { name: "debian-13", arch: "amd64", image: fileOf("/d13.qcow2", Buffer.alloc(500_000, "disk"), "qcow2") },
        dependencies: { runc: { ...fileOf("/runc.amd64", runc, "binary"), providers: ["aws"] } },
        images: [rowOf("acme/pause")],
      },
    },
    components: {
      components: { version: "2.3.0", images: [{ components: ["traefik"], addon: true, ...rowOf("acme/traefik") }] },
    },
    templates: {
      templates: {
        version: "0.9.0",
        charts: [
          {
            name: "web",
            version: "0.9.0",
            type: "oci",
            url: "oci://registry.example/charts/web",
            digest: chart.manifest.descriptor.digest,
            dependencies: { components: ["traefik"] },
          },
        ],
      },
    },
    seeds: {
      seeds: {
        version: "2.3.0-1",
        components: "2.3.0",
        snapshots: {
          minimal: {
            url: server.put("/minimal.netsy", seeds),
            digest: `sha512:${createHash("sha512").update(seeds).digest("hex")}`,
            size: seeds.length,
          },
        },
      },
    },
  };
  for (const [name, manifest] of Object.entries(published))
    server.put(`/manifests/${name}.json`, JSON.stringify(manifest));

  await using files = createFileClient();
  await using registries = createRegistries();
  const access: DepsAccess = { files, registry: () => registries.of(source.host) }; // registry.example is this one
  const deps = new PodplaneDeps({ cacheDir: join(folder, "deps"), baseUrl: server.origin, access });
  const signal = AbortSignal.timeout(30_000);
  const asked = () => server.requests().length + source.requests().length;

  const manifest = await ready(deps, "amd64", signal);
  assert.equal(manifest.vmconfig.version, "1.8.0");
  assert.equal((await deps.cachedTemplateChart("web")).chart.chartLayerDigest, layer.digest);
  assert.deepEqual(await readFile(await deps.cachedSeedSnapshotPath("minimal")), seeds);

  const before = asked();
  await ready(deps, "amd64", signal);
  const offline = await deps.download({ arch: "amd64", providers: "aws", addons: "traefik", offline: true, signal });
  assert.deepEqual([offline.isComplete, offline.plan.missing], [true, 0]);
  assert.equal(asked(), before); // nobody was asked
  assert.equal((await deps.status("knc", "amd64", { signal })).needsUpdate, false);

  // The cache as a mirror: one address has the manifests, the files and the images.
  await using mirror = await serveCache(deps.paths.root);
  await server[Symbol.asyncDispose]();
  await source[Symbol.asyncDispose](); // what was published is gone
  const behind = new PodplaneDeps({ cacheDir: join(folder, "behind", "deps"), baseUrl: mirror.url, access });
  const { vmconfig } = await behind.ensureVmConfigManifestCached("knc", "amd64", { signal });
  const [first] = installItems({ ...manifest, vmconfig }, { providers: "aws" });
  assert.ok(first);
  const answer = await fetch(resolveUrl(first, mirror.url)); // in place of the address the manifest names
  assert.equal(digestOf(new Uint8Array(await answer.arrayBuffer())), first.digest);
  const image = vmconfig.images[0];
  assert.ok(image);
  const { repository, tag } = parseReference(mirroredImageRef(mirror.host, "mirror", image.image));
  console.log(`${mirror.host} has ${repository}:${tag}`);
  await using registry = createRegistry(mirror.host);
  assert.ok(tag && (await registry.repository(repository).resolve(tag)));
  assert.ok(await registry.repository(repository).resolve(parseDigest(image.digest)));
});
