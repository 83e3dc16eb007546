import {
  type Digest,
  digestOf,
  type Manifest,
  MediaType,
  MemoryRegistry,
  manifestOf,
  RegistryError,
  type RegistryReader,
  type RepositoryReader,
  referrersTag,
} from "@tranship/registry";
import { describe, expect, test } from "vitest";
import type { DownloadList } from "../plan/download-list.ts";
import type { PlannedBlob, PlannedImage, PlannedRepository } from "../plan/section.ts";
import { verify } from "./verify.ts";
import { formatVerifyEvidence } from "./verify-evidence.ts";

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
const configBytes = encode({});
const config: PlannedBlob = {
  mediaType: MediaType.ociConfig,
  digest: digestOf(configBytes),
  size: configBytes.byteLength,
};

function image(seed: string, more: object = {}): Manifest {
  const body = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config,
    layers: [],
    annotations: { seed },
    ...more,
  };
  return manifestOf(encode(body), MediaType.ociManifest);
}

const subject = image("subject");
const [signature, other] = ["signature", "other"].map((seed) => image(seed, { subject: subject.descriptor }));
const unbound = image("unbound");
if (!signature || !other) throw new Error("two were made");

function listOf(...manifests: readonly Manifest[]): Manifest {
  const body = {
    schemaVersion: 2,
    mediaType: MediaType.ociIndex,
    manifests: manifests.map(({ descriptor }) => descriptor),
  };
  return manifestOf(encode(body), MediaType.ociIndex);
}

const fallback = referrersTag(subject.descriptor.digest);

/** A plan of the subject and a list of referrers with all that it leads to. */
function planOf(list: Manifest, listed: readonly Manifest[], change: Partial<PlannedRepository> = {}): DownloadList {
  const planned = (tag: string, { descriptor }: Manifest): PlannedImage => ({
    ...descriptor,
    tag,
    reference: `src/app:${tag}`,
    why: ["version"],
  });
  const repository: PlannedRepository = {
    path: "app",
    source: "src/app",
    images: [planned("v1", subject), planned(fallback, list)],
    blobs: [config, ...[subject, list, ...listed].map(({ descriptor }) => descriptor)],
    ...change,
  };
  const archive = {
    archive: "app.tar",
    component: "packages",
    item: "app",
    sections: [{ repositories: [repository] }],
  };
  return { version: 1, archives: [archive], missing: [] };
}

function filled(manifests: readonly Manifest[], list?: Manifest): MemoryRegistry {
  const registry = new MemoryRegistry({ name: "mirror" });
  const app = registry.repository("app");
  app.putBlob(config, configBytes);
  app.putManifest(subject, ["v1"]);
  for (const manifest of manifests) app.putManifest(manifest, []);
  if (list) app.putManifest(list, [fallback]);
  return registry;
}

/** The same registry, listing no referrers. */
function listingNothing(registry: MemoryRegistry): RegistryReader {
  return changed(registry, { async *referrers() {} });
}

/** The same registry, giving damaged bytes for one manifest. */
function damaging(registry: MemoryRegistry, digest: Digest): RegistryReader {
  const reference = `mirror/app@${digest}`;
  const error = new RegistryError("DIGEST_MISMATCH", "damaged", { reference, expected: digest, actual: "" });
  const app = registry.repository("app");
  const read: RepositoryReader["manifest"] = async (asked, options) => {
    if (asked === digest) throw error;
    return await app.manifest(asked, options);
  };
  return changed(registry, { manifest: read });
}

function changed(registry: MemoryRegistry, change: Partial<RepositoryReader>): RegistryReader {
  const other = (repository: RepositoryReader): RepositoryReader => ({
    name: repository.name,
    resolve: (...args) => repository.resolve(...args),
    manifest: (...args) => repository.manifest(...args),
    statBlob: (...args) => repository.statBlob(...args),
    fetchBlob: (...args) => repository.fetchBlob(...args),
    tags: (...args) => repository.tags(...args),
    referrers: (...args) => repository.referrers(...args),
    ...change,
  });
  return {
    name: registry.name,
    repositories: (options) => registry.repositories(options),
    repository: (path) => other(registry.repository(path)),
  };
}

async function findings(place: RegistryReader, list: DownloadList): Promise<readonly (readonly [string, string])[]> {
  const report = await verify(place, list);
  expect(report.ok).toBe(report.findings.length === 0);
  return report.findings.map(({ code, reference = "" }) => [code, reference]);
}

const both = listOf(signature, other);
const plan = planOf(both, [signature, other]);

describe("a list of referrers", () => {
  test("need not be there where the registry lists each of them itself", async () => {
    const place = filled([signature, other]);
    expect(await findings(place, plan)).toEqual([]);
    expect(await verify(place, plan)).toMatchObject({ images: 2, blobs: 4 });
  });

  test("is read where it is there", async () => {
    expect(await verify(filled([signature, other], both), plan)).toMatchObject({ ok: true, images: 2, blobs: 5 });
  });

  test("may have grown at the target", async () => {
    const third = image("third", { subject: subject.descriptor });
    expect(await findings(filled([signature, other, third], listOf(signature, other, third)), plan)).toEqual([]);
  });

  test("proves nothing where the registry does not list what is in it", async () => {
    const place = listingNothing(filled([signature, other], both));
    expect((await findings(place, plan)).toSorted()).toEqual(
      [signature, other].map(({ descriptor }) => ["REFERRER_MISSING", `mirror/app@${descriptor.digest}`]).toSorted(),
    );
  });

  test("is not missed where the one referrer it lists arrived damaged: that is the finding", async () => {
    const one = planOf(listOf(signature), [signature]);
    const { digest } = signature.descriptor;
    expect(await findings(damaging(filled([signature]), digest), one)).toEqual([
      ["MANIFEST_CORRUPT", `mirror/app@${digest}`],
    ]);
  });

  test("lacks a referrer that is not there at all", async () => {
    expect(await findings(filled([signature]), plan)).toEqual([
      ["MANIFEST_MISSING", `mirror/app@${other.descriptor.digest}`],
    ]);
  });

  test("of manifests that refer to nothing is a tag as any other", async () => {
    const list = listOf(unbound);
    const planned = planOf(list, [unbound]);
    expect(await findings(filled([unbound], list), planned)).toEqual([]);
    expect(await findings(filled([unbound]), planned)).toEqual([
      ["MANIFEST_MISSING", `mirror/app@${list.descriptor.digest}`],
      ["TAG_MISSING", `mirror/app:${fallback}`],
    ]);
  });
});

describe("content that is not among the plan's own blobs", () => {
  test("but left to a base is read all the same", async () => {
    const { digest, size, mediaType } = config;
    const over = planOf(both, [signature, other], {
      blobs: [subject, both, signature, other].map(({ descriptor }) => descriptor),
      assumed: [{ digest, size, mediaType, from: [] }],
    });
    expect(await verify(filled([signature, other]), over)).toMatchObject({
      ok: true,
      blobs: 4,
      assumed: { blobs: 0, bytes: 0 },
    });
    const empty = new MemoryRegistry({ name: "mirror" });
    const missing = (await findings(empty, over)).filter(([code]) => code === "BLOB_MISSING");
    expect(missing).toEqual([["BLOB_MISSING", `mirror/app@${digest}`]]);
  });

  test("is no finding where the place leaves it to a base, too, and is counted once", async () => {
    const { digest, size, mediaType } = config;
    const over = planOf(both, [], { blobs: [subject.descriptor], assumed: [{ digest, size, mediaType, from: [] }] });
    const registry = new MemoryRegistry({ name: "mirror" });
    registry.repository("app").putManifest(subject, ["v1"]);
    const assumed = () => [{ path: "app", digest, size, mediaType, from: [] }];
    const report = await verify(Object.assign(registry, { assumed }), over);
    expect(report.findings.filter(({ code }) => code === "BLOB_MISSING")).toEqual([]);
    expect(report.assumed).toEqual({ blobs: 1, bytes: size });
  });

  test("is a finding where an image needs it and the plan does not name it", async () => {
    const trimmed = planOf(both, [signature, other], {
      blobs: [subject, both, signature, other].map(({ descriptor }) => descriptor),
    });
    const unplanned = await findings(filled([signature, other]), trimmed);
    expect(new Set(unplanned.map((finding) => finding.join(" ")))).toEqual(
      new Set([`BLOB_UNPLANNED mirror/app@${config.digest}`]),
    );
  });
});

test("evidence of equal content is equal, and counts each repository", async () => {
  const subjectOf = { place: "registry:mirror", plan: digestOf(encode(plan)) };
  const texts = await Promise.all(
    [1, 8].map(async (inFlight) =>
      formatVerifyEvidence(await verify(filled([signature, other]), plan, { inFlight }), subjectOf),
    ),
  );
  expect(texts[0]).toBe(texts[1]);
  expect(JSON.parse(texts[0] ?? "")).toMatchObject({
    version: 1,
    kind: "verification",
    ...subjectOf,
    ok: true,
    repositories: [{ path: "app", images: 2, blobs: 4 }],
    findings: [],
  });
});
