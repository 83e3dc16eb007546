import {
  type Blob,
  type Digest,
  digestOf,
  MediaType,
  MemoryRegistry,
  manifestOf,
  RegistryError,
  type RegistryReader,
  type RepositoryReader,
} from "@tranship/registry";
import { describe, expect, test } from "vitest";
import type { DownloadList } from "../plan/download-list.ts";
import type { PlannedBlob, PlannedImage, PlannedRepository } from "../plan/section.ts";
import { verify } from "./verify.ts";

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** A registry filled by a recipe, with the plan of the same content. */
class Filled {
  readonly registry: MemoryRegistry = new MemoryRegistry({ name: "mirror" });
  readonly #repositories: PlannedRepository[] = [];

  /** Plans an image and stores of it what `leaveOut` does not name. */
  image(
    path: string,
    tag: string,
    layers: readonly string[],
    leaveOut: readonly (string | Digest)[] = [],
  ): PlannedImage {
    const repository = this.registry.repository(path);
    const put = (bytes: Uint8Array, mediaType: string, name: string): PlannedBlob => {
      const blob = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
      if (!leaveOut.includes(name)) repository.putBlob(blob, bytes);
      return blob;
    };
    const config = put(encode({ layers }), MediaType.ociConfig, "config");
    const blobs = layers.map((layer) => put(new TextEncoder().encode(layer), MediaType.ociLayer, layer));
    const body = { schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers: blobs };
    const manifest = manifestOf(encode(body), MediaType.ociManifest);
    if (!leaveOut.includes("manifest")) repository.putManifest(manifest, leaveOut.includes("tag") ? [] : [tag]);
    const { descriptor } = manifest;
    const image: PlannedImage = { ...descriptor, tag, reference: `source/${path}:${tag}`, why: ["version"] };
    this.#repositories.push({ path, source: `source/${path}`, images: [image], blobs: [descriptor, config, ...blobs] });
    return image;
  }

  /** Each image in a section of its own, half of them in a second archive. */
  get list(): DownloadList {
    const archive = (name: string, repositories: readonly PlannedRepository[]) => ({
      archive: name,
      component: "packages",
      item: name,
      sections: repositories.map((repository) => ({ repositories: [repository] })),
    });
    const half = Math.ceil(this.#repositories.length / 2);
    const archives = [
      archive("a.tar", this.#repositories.slice(0, half)),
      archive("b.tar", this.#repositories.slice(half)),
    ];
    return { version: 1, archives, missing: [] };
  }
}

/** The same registry with one repository's reading of blobs replaced. */
function withBlobs(registry: MemoryRegistry, path: string, fetchBlob: RepositoryReader["fetchBlob"]): RegistryReader {
  return {
    name: registry.name,
    repositories: (options) => registry.repositories(options),
    repository(asked) {
      const repository = registry.repository(asked);
      if (asked !== path) return repository;
      return {
        name: repository.name,
        resolve: (...args) => repository.resolve(...args),
        manifest: (...args) => repository.manifest(...args),
        statBlob: (...args) => repository.statBlob(...args),
        tags: (...args) => repository.tags(...args),
        referrers: (...args) => repository.referrers(...args),
        fetchBlob,
      };
    },
  };
}

describe("verify", () => {
  test("finds nothing in a whole place, and reads every manifest and blob once for each repository", async () => {
    const filled = new Filled();
    filled.image("packages/console", "v1.0.0", ["base", "one"]);
    filled.image("packages/console", "v1.1.0", ["base", "two"]);
    filled.image("packages/alb", "v1.0.0", ["base"]);
    const read: string[] = [];
    const report = await verify(filled.registry, filled.list, {
      onEvent: (event) => {
        if (event.type === "blob.finished") read.push(`${event.repository}@${event.digest}`);
      },
    });
    expect(report).toMatchObject({ ok: true, archives: 0, images: 3, findings: [] });
    expect(report.blobs).toBe(3 + 3 + 3 + 1); // manifests, configs, layers of console, layers of alb
    expect(new Set(read).size).toBe(read.length);
    expect(read).toHaveLength(3 + 3 + 1);
    const planned = filled.list.archives.flatMap(({ sections }) => sections.flatMap((s) => s.repositories));
    const sizes = new Map(planned.flatMap(({ path, blobs }) => blobs.map((b) => [`${path}@${b.digest}`, b.size])));
    expect(report.bytes).toBe([...sizes.values()].reduce((sum, size) => sum + size, 0));
  });

  test("finds all that is missing or moved, in the order of the plan", async () => {
    const filled = new Filled();
    filled.image("packages/console", "v1.0.0", ["base", "one"], ["tag"]);
    const moved = filled.image("packages/console", "v1.1.0", ["base", "two"]);
    const lost = filled.image("packages/web", "v1.0.0", ["web"], ["manifest", "config"]);
    filled.image("packages/alb", "v1.0.0", ["base", "gone"], ["gone"]);
    filled.registry
      .repository("packages/console")
      .putManifest(manifestOf(encode({ schemaVersion: 2, manifests: [] }), MediaType.ociIndex), ["v1.1.0"]);
    const report = await verify(filled.registry, filled.list, { inFlight: 3 });
    expect(report.ok).toBe(false);
    expect(report.images).toBe(4);
    const digestOfText = (text: string) => digestOf(new TextEncoder().encode(text));
    expect(report.findings.map(({ code, reference }) => [code, reference])).toEqual([
      ["TAG_MISSING", "mirror/packages/console:v1.0.0"],
      ["TAG_DIFFERS", "mirror/packages/console:v1.1.0"],
      ["TAG_MISSING", "mirror/packages/web:v1.0.0"],
      ["MANIFEST_MISSING", `mirror/packages/web@${lost.digest}`],
      ["BLOB_MISSING", `mirror/packages/web@${digestOf(encode({ layers: ["web"] }))}`],
      ["BLOB_MISSING", `mirror/packages/alb@${digestOfText("gone")}`],
    ]);
    expect(report.findings[1]?.message).toContain(moved.digest);
  });

  test.for([
    { name: "other bytes of the same length", bytes: "bose" },
    { name: "fewer bytes", bytes: "bas" },
    { name: "more bytes", bytes: "bases" },
  ])("finds a blob with $name, even where the reader lets it pass", async ({ bytes }) => {
    const filled = new Filled();
    filled.image("app", "v1", ["base"]);
    const repository = filled.registry.repository("app");
    const base = digestOf(new TextEncoder().encode("base"));
    const place = withBlobs(filled.registry, "app", async function* (blob: Blob, options) {
      if (blob.digest === base) yield new TextEncoder().encode(bytes);
      else yield* repository.fetchBlob(blob, options);
    });
    const report = await verify(place, filled.list);
    expect(report.findings).toMatchObject([{ code: "BLOB_CORRUPT", reference: `mirror/app@${base}` }]);
    expect(report.blobs).toBe(3);
  });

  test.for([
    { code: "UNAUTHORIZED", failure: "denied" },
    { code: "RATE_LIMITED", failure: "throttled" },
    { code: "NETWORK", failure: "transient" },
  ] as const)("$code is an error and no finding", async ({ code, failure }) => {
    const filled = new Filled();
    filled.image("app", "v1", ["base"], ["tag"]);
    const details = { registry: "mirror", reference: "app", reason: "ECONNRESET" };
    // biome-ignore lint/correctness/useYield: it fails before the first byte
    const place = withBlobs(filled.registry, "app", async function* () {
      throw new RegistryError(code, "not now", details);
    });
    const failed = verify(place, filled.list);
    await expect(failed).rejects.toMatchObject({ code: "TRANSFER_FAILED", details: { side: "target", failure, code } });
  });

  test("either image will do for a tag that two archives plan differently", async () => {
    const filled = new Filled();
    filled.image("app", "v1", ["one"]);
    filled.image("app", "v1", ["two"]);
    expect((await verify(filled.registry, filled.list)).findings).toEqual([]);
  });

  test("an aborted verification rejects with the reason, unwrapped", async () => {
    const filled = new Filled();
    filled.image("app", "v1", ["base"]);
    const controller = new AbortController();
    const reason = new Error("enough");
    const onEvent = () => controller.abort(reason);
    await expect(verify(filled.registry, filled.list, { signal: controller.signal, onEvent })).rejects.toBe(reason);
  });
});
