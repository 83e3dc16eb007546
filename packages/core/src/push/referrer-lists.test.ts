import { createRegistry, type Digest, MemoryRegistry, manifestOf, type Registry } from "@tranship/registry";
import { anArtifact, anImage, anIndex, seedMemory, startTestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import type { MirrorEvent } from "../events.ts";
import { pushBundle } from "./push-bundle.ts";

const image = anImage({ tag: "v1" });
const tag = `sha256-${image.manifest.descriptor.digest.slice(7)}`;
const sbom = anArtifact({ subject: image, artifactType: "application/sbom" });
const signature = anArtifact({ subject: image, artifactType: "application/signature" });

/** A bundle's way to keep referrers: a list under the fallback tag. */
function aSource(...listed: Parameters<typeof anIndex>[0]["images"]): MemoryRegistry {
  const source = new MemoryRegistry({ name: "source" });
  seedMemory(source, "app", [image, anIndex({ images: listed, tag })]);
  return source;
}

async function referrersOf(registry: Registry): Promise<readonly Digest[]> {
  const found = await Array.fromAsync(registry.repository("app").referrers(image.manifest.descriptor.digest));
  return found.map(({ digest }) => digest).sort();
}

const digestOf = ({ manifest }: typeof image) => manifest.descriptor.digest;

describe("pushing a list of referrers", () => {
  test("adds to those the target has, writes no list, and does nothing the second time", async () => {
    await using server = await startTestRegistry();
    await using target = createRegistry(server.host);
    server.seed("app", image, signature);
    const first = await pushBundle(aSource(sbom), target);
    expect(first.referrers).toEqual({ written: 1, present: 0, kept: 0 });
    expect(await referrersOf(target)).toEqual([sbom, signature].map(digestOf).sort());
    expect(await target.repository("app").resolve(tag)).toBeUndefined();
    server.reset();
    const second = await pushBundle(aSource(sbom), target);
    expect(second.referrers).toEqual({ written: 0, present: 1, kept: 0 });
    expect(second.bytes).toEqual({ uploaded: 0, mounted: 0, present: 0, manifests: 0 });
    expect(server.requests().filter(({ method }) => !["GET", "HEAD"].includes(method))).toEqual([]);
  });

  test("brings indexes and what refers to referrers with all they need", async () => {
    const attestation = anIndex({ images: [anImage({ seed: "attested" })], tag: "unused" });
    const bytes = new TextEncoder().encode(
      JSON.stringify({
        ...JSON.parse(new TextDecoder().decode(attestation.manifest.bytes)),
        subject: image.manifest.descriptor,
      }),
    );
    const bound = { ...attestation, manifest: manifestOf(bytes, attestation.manifest.descriptor.mediaType) };
    const target = new MemoryRegistry();
    await pushBundle(aSource(bound, sbom), target);
    expect(await referrersOf(target)).toEqual([bound.manifest.descriptor.digest, digestOf(sbom)].sort());
    const [child] = attestation.images;
    expect(await target.repository("app").resolve(child?.manifest.descriptor.digest ?? "")).toBeDefined();
  });

  test("one that refers to nothing is written as it is, with a warning", async () => {
    const target = new MemoryRegistry();
    const events: MirrorEvent[] = [];
    const source = aSource(anImage({ seed: "no subject" }));
    const report = await pushBundle(source, target, { onEvent: (event) => events.push(event) });
    expect((await target.repository("app").resolve(tag))?.digest).toBe(
      (await source.repository("app").resolve(tag))?.digest,
    );
    expect(report.referrers.written).toBe(0);
    expect(events.filter(({ type }) => type === "warning.raised")).toMatchObject([
      { code: "SUBJECT_ABSENT", reference: `app:${tag}` },
    ]);
  });

  test("one that is about something else in part brings all of it, and warns of that part", async () => {
    const stray = anArtifact({ subject: sbom, artifactType: "application/other" });
    const target = new MemoryRegistry();
    const events: MirrorEvent[] = [];
    await pushBundle(aSource(sbom, stray), target, { onEvent: (event) => events.push(event) });
    expect(await referrersOf(target)).toEqual([digestOf(sbom)]);
    expect(await target.repository("app").resolve(digestOf(stray))).toBeDefined();
    expect(await target.repository("app").resolve(tag)).toBeUndefined();
    expect(events.filter(({ type }) => type === "warning.raised")).toMatchObject([
      { code: "SUBJECT_ABSENT", message: expect.stringContaining(digestOf(stray)) },
    ]);
  });

  test("an empty one takes nothing from the target", async () => {
    await using server = await startTestRegistry();
    await using target = createRegistry(server.host);
    server.seed("app", signature);
    await pushBundle(aSource(), target);
    expect(await referrersOf(target)).toEqual([digestOf(signature)]);
  });

  test("an image of that name is an image", async () => {
    const source = new MemoryRegistry();
    seedMemory(source, "app", [anImage({ tag })]);
    const target = new MemoryRegistry();
    expect((await pushBundle(source, target)).images.written).toBe(1);
    expect(await target.repository("app").resolve(tag)).toBeDefined();
  });
});
