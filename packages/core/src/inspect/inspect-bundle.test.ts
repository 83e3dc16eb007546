import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Descriptor, MediaType, MemoryRegistry } from "@tranship/registry";
import {
  aBlob,
  anArtifact,
  anImage,
  anIndex,
  type BuiltImage,
  type BuiltIndex,
  partsOf,
} from "@tranship/registry/testing";
import { expect, onTestFinished, test } from "vitest";
import { Bundle } from "../bundle/bundle.ts";
import { encodeTarHeader, tarPadding, tarTrailerBytes } from "../bundle/tar/tar-header.ts";
import { encodeIndexFile } from "../layout/index-file.ts";
import { blobPath } from "../plan/section.ts";
import { diffInspections } from "./diff-inspections.ts";
import { inspectBundle } from "./inspect-bundle.ts";
import type { Inspection } from "./inspection.ts";

type Built = BuiltImage | BuiltIndex;

const shared = aBlob({ size: 1000, seed: "shared" });
const [one, two, arm] = (["one", "two", "arm"] as const).map((seed, at) =>
  anImage({
    seed,
    layers: [shared, aBlob({ size: 100 * (at + 1), seed })],
    platform: { os: "linux", architecture: seed === "arm" ? "arm64" : "amd64" },
  }),
) as [BuiltImage, BuiltImage, BuiltImage];
const both = anIndex({ images: [two, arm], platforms: [{ os: "linux", architecture: "amd64" }, undefined] });
const signature = anArtifact({ subject: one, artifactType: "application/vnd.dev.cosign.artifact.sig.v1+json" });

/** What is in each blob that is no layer: their sizes are those of their JSON. */
const sizeOf = (...things: readonly { readonly size: number }[]) => things.reduce((sum, { size }) => sum + size, 0);
const manifestOf = ({ manifest }: Built) => manifest.descriptor;

interface LayoutOptions {
  readonly tags: Readonly<Record<string, Built>>;
  readonly leftOut?: readonly string[];
}

/** Writes an archive of layouts, as another tool would leave it. */
function writeArchive(folder: string, name: string, layouts: Readonly<Record<string, LayoutOptions>>): void {
  const files = Object.entries(layouts).flatMap(([path, { tags, leftOut = [] }]) => {
    const blobs = new Map<string, Uint8Array>();
    for (const built of Object.values(tags)) {
      const parts = partsOf(built);
      for (const { digest, bytes } of parts.blobs) blobs.set(blobPath(digest), bytes);
      for (const { manifest } of parts.manifests) blobs.set(blobPath(manifest.descriptor.digest), manifest.bytes);
    }
    for (const digest of leftOut) blobs.delete(blobPath(digest as Descriptor["digest"]));
    const entries = Object.entries(tags).map(([tag, built]) => ({
      ...manifestOf(built),
      annotations: {
        "io.deckhouse.image.short_tag": tag,
        "org.opencontainers.image.ref.name": `src.example.com:5000/fe/${path}:${tag}`,
      },
    }));
    return [...blobs, ["index.json", encodeIndexFile(entries)] as const].map(
      ([file, bytes]) => [`${path}/${file}`, bytes] as const,
    );
  });
  const bytes = files.flatMap(([file, data]) => [
    encodeTarHeader(file, data.byteLength),
    data,
    new Uint8Array(tarPadding(data.byteLength)),
  ]);
  writeFileSync(join(folder, name), Buffer.concat([...bytes, new Uint8Array(tarTrailerBytes)]));
}

async function inspectArchives(
  archives: Readonly<Record<string, Readonly<Record<string, LayoutOptions>>>>,
): Promise<Inspection> {
  const folder = mkdtempSync(join(tmpdir(), "tranship-inspect-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, layouts] of Object.entries(archives)) writeArchive(folder, name, layouts);
  await using bundle = await Bundle.open(folder);
  return await inspectBundle(bundle);
}

test("every number of a bundle without a lock is what its parts add up to", async () => {
  const inspection = await inspectArchives({
    "a.tar": { app: { tags: { "v1.0.0": one, stable: one, "v1.1.0": both } } },
    "b.tar": { app: { tags: { "v1.0.0": one } }, tools: { tags: { latest: two, sig: signature } } },
  });
  const [first, second] = inspection.repositories;
  const graphOne = sizeOf(manifestOf(one), one.config, ...one.layers);
  const graphTwo = sizeOf(manifestOf(two), two.config, ...two.layers);
  const ofArm = sizeOf(manifestOf(arm), arm.config, ...arm.layers);
  const graphBoth = sizeOf(manifestOf(both)) + graphTwo + ofArm - 1000;
  const graphSignature = sizeOf(manifestOf(signature), signature.config, ...signature.layers);

  expect(inspection.sources).toEqual(["src.example.com:5000/fe"]);
  expect(first?.source).toBe("src.example.com:5000/fe/app");
  expect(first?.images.map(({ tags, kind, platforms, bytes }) => ({ tags, kind, platforms, bytes }))).toEqual([
    { tags: ["stable", "v1.0.0"], kind: "image", platforms: ["linux/amd64"], bytes: graphOne },
    { tags: ["v1.1.0"], kind: "index", platforms: ["linux/amd64", "linux/arm64"], bytes: graphBoth },
  ]);
  expect(first?.images.map(({ uniqueBytes }) => uniqueBytes)).toEqual([
    graphOne - 1000,
    sizeOf(manifestOf(both)) + ofArm - 1000,
  ]);
  expect(first?.images[1]?.manifests.map(({ platform, bytes }) => [platform, bytes])).toEqual([
    ["linux/amd64", graphTwo],
    ["linux/arm64", ofArm],
  ]);
  expect(first).toMatchObject({ path: "app", bytes: graphOne + graphBoth - 1000 });
  expect(first?.uniqueBytes).toBe(graphOne + graphBoth - 1000 - graphTwo);
  expect(second?.images.map(({ tags, kind, subject }) => [tags, kind, subject])).toEqual([
    [["latest"], "image", undefined],
    [["sig"], "signature", manifestOf(one).digest],
  ]);
  expect(inspection.blobs.find(({ digest }) => digest === shared.digest)).toEqual({
    digest: shared.digest,
    size: 1000,
    mediaType: shared.mediaType,
    role: "layer",
    images: 3,
    repositories: ["app", "tools"],
    archives: ["a.tar", "b.tar"],
    copies: 3,
  });
  expect(inspection.totals).toMatchObject({
    repositories: 2,
    images: 4,
    tags: 5,
    archives: 2,
    storedBytes: graphOne + graphBoth - 1000 + graphOne + graphTwo + graphSignature,
    distinctBytes: graphOne + graphBoth - 1000 + graphSignature,
    unsharedBytes: graphOne + graphBoth + graphTwo + graphSignature,
    lacking: { blobs: 0, bytes: 0 },
    unreferenced: { blobs: 0, bytes: 0 },
  });
  const [, b] = inspection.archives;
  expect(b?.repositories).toEqual(["app", "tools"]);
  expect(b?.stored.bytes).toBe(graphOne + graphTwo + graphSignature);
  expect(b?.shared.bytes).toBe(graphOne + graphTwo);
});

test("what is lacking or damaged is told, and the rest is there", async () => {
  const lost = two.layers[1]?.digest ?? "";
  const inspection = await inspectArchives({
    "a.tar": { app: { tags: { index: both, v1: one }, leftOut: [lost, manifestOf(arm).digest] } },
  });
  expect(inspection.lacking.map(({ path, digest, role }) => [path, digest, role]).sort()).toEqual(
    [
      ["app", lost, "layer"],
      ["app", manifestOf(arm).digest, "manifest"],
    ].sort(),
  );
  expect(inspection.totals.lacking).toEqual({ blobs: 2, bytes: 200 + manifestOf(arm).size });
  // of the manifest that is not there nobody knows what it needs: its config and layer are without an image
  expect(inspection.totals.unreferenced).toEqual({ blobs: 2, bytes: 300 + arm.config.size });
  expect(inspection.repositories[0]?.images.map(({ tags }) => tags)).toEqual([["index"], ["v1"]]);
});

test("a manifest that is damaged, and one too large to be read, are told as unreadable", async () => {
  const large = anImage({ seed: "large", annotations: { text: "x".repeat(4 * 1024 * 1024) } });
  const damaged = { ...one, manifest: { ...one.manifest, bytes: new Uint8Array(one.manifest.bytes).fill(32, 0, 1) } };
  const inspection = await inspectArchives({ "a.tar": { app: { tags: { damaged, large, whole: two } } } });
  expect(inspection.unreadable.map(({ digest, code }) => `${digest} ${code}`).sort()).toEqual(
    [`${manifestOf(one).digest} DIGEST_MISMATCH`, `${manifestOf(large).digest} TOO_LARGE`].sort(),
  );
  expect(inspection.lacking).toEqual([]);
  expect(inspection.repositories[0]?.images.map(({ tags, bytes }) => [tags, bytes])).toEqual([
    [["damaged"], manifestOf(one).size],
    [["large"], manifestOf(large).size],
    [["whole"], sizeOf(manifestOf(two), two.config, ...two.layers)],
  ]);
});

test.for([
  { kind: "chart", thing: { config: "application/vnd.cncf.helm.config.v1+json" } },
  { kind: "artifact", thing: { config: "application/vnd.example.config" } },
  { kind: "sbom", thing: { artifactType: "application/spdx+json" } },
  { kind: "attestation", thing: { artifactType: "application/vnd.in-toto+json" } },
  { kind: "attestation", thing: { artifactType: "application/vnd.dev.sigstore.bundle.v0.3+json" } },
  { kind: "signature", thing: { artifactType: "application/vnd.cncf.notary.signature" } },
  { kind: "image", thing: {} },
])("a manifest of $thing is told as $kind", async ({ kind, thing }) => {
  const { config, artifactType } = thing as { readonly config?: string; readonly artifactType?: string };
  const blob = aBlob({ content: "{}" });
  const body = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    ...(artifactType === undefined ? {} : { artifactType }),
    config: { digest: blob.digest, size: blob.size, mediaType: config ?? MediaType.ociConfig },
    layers: [],
  };
  const registry = new MemoryRegistry();
  const repository = registry.repository("app");
  await repository.pushBlob(blob, async function* () {
    yield blob.bytes;
  });
  const bytes = Buffer.from(JSON.stringify(body));
  const { digest } = aBlob({ content: bytes });
  const descriptor = { digest, size: bytes.byteLength, mediaType: MediaType.ociManifest };
  await repository.pushManifest({ descriptor, bytes }, { tags: ["v1" as never] });
  const { repositories, totals } = await inspectBundle(registry);
  expect(repositories[0]?.images[0]?.kind).toBe(kind);
  expect(totals).toMatchObject({ archives: 0, storedBytes: bytes.byteLength + 2, distinctBytes: bytes.byteLength + 2 });
});

test("two bundles differ in their tags and in the content that comes and goes", async () => {
  const before = await inspectArchives({ "a.tar": { app: { tags: { v1: one, stable: one } } } });
  const after = await inspectArchives({ "a.tar": { app: { tags: { stable: two, v2: two } } } });
  expect(diffInspections(before, after)).toEqual({
    repositories: [
      {
        path: "app",
        added: [{ tag: "v2", digest: manifestOf(two).digest }],
        removed: [{ tag: "v1", digest: manifestOf(one).digest }],
        moved: [{ tag: "stable", from: manifestOf(one).digest, to: manifestOf(two).digest }],
      },
    ],
    new: { blobs: 3, bytes: 200 + sizeOf(manifestOf(two), two.config) },
    gone: { blobs: 3, bytes: 100 + sizeOf(manifestOf(one), one.config) },
  });
});
