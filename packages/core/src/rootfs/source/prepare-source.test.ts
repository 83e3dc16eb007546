import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createRegistry, type Descriptor, MediaType, manifestOf, type Platform } from "@tranship/registry";
import {
  aBlob,
  aLayer,
  anArtifact,
  anImage,
  anIndex,
  type BuiltImage,
  faults,
  startTestRegistry,
  type TestRegistry,
} from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { parsePlatform } from "../../plan/platforms/platforms.ts";
import { isRootfsError, type RootfsError } from "../errors.ts";
import { exportModeOf } from "./export-mode.ts";
import { prepareSource } from "./prepare-source.ts";
import type { OpenRegistry, PreparedSource, SourceSpec } from "./source.ts";

const linux: Platform = { os: "linux", architecture: "amd64" };
const arm64: Platform = { os: "linux", architecture: "arm64" };
const from: OpenRegistry = (host) => createRegistry(host, { attempts: 1 });

type Wanted = Partial<SourceSpec> & { readonly ref?: string };

async function prepare(registry: TestRegistry, { ref = "app:v1", ...spec }: Wanted = {}): Promise<PreparedSource> {
  const imageRef = `${registry.host}/${ref}`;
  return await prepareSource({ imageRef, from, platform: linux, mode: "native", ...spec });
}

async function failureOf(promise: Promise<unknown>): Promise<RootfsError> {
  const error = await promise.catch((reason: unknown) => reason);
  if (!isRootfsError(error)) throw new Error("it did not fail with a RootfsError", { cause: error });
  return error;
}

const manifestsAsked = (registry: TestRegistry) =>
  registry
    .requests()
    .filter(({ path }) => path.includes("/manifests/"))
    .map(({ method, path }) => `${method} ${path}`);

function bodyOf({ manifest }: BuiltImage): Record<string, unknown> {
  return JSON.parse(new TextDecoder().decode(manifest.bytes)) as Record<string, unknown>;
}

/** A manifest over the config and the layers of another one, changed. */
function altered(image: BuiltImage, change: (body: Record<string, unknown>) => unknown, mediaType: string): BuiltImage {
  const bytes = new TextEncoder().encode(JSON.stringify(change({ ...bodyOf(image), mediaType })));
  return { ...image, manifest: manifestOf(bytes, mediaType) };
}

describe("a single image", () => {
  test("is pinned with one request for its manifest and one for its config", async () => {
    await using registry = await startTestRegistry();
    const layers = [aLayer({ files: { a: "1" } }), aLayer({ files: { b: "2" }, gzip: false })];
    const image = anImage({ tag: "v1", layers });
    registry.seed("app", image);
    const onPullProgress = () => {};
    const source = await prepare(registry, { downloadBaseUrl: " host:80 ", onPullProgress });
    const { digest } = image.manifest.descriptor;
    expect(source).toMatchObject({
      localRef: `${registry.host}/app:v1`,
      digest: `${registry.host}/app@${digest}`,
      manifestDigest: digest,
      configJson: '{"Entrypoint":null,"Cmd":null,"Env":null,"WorkingDir":"","User":""}',
      masterNodeIp: "http://host:80",
      skopeoAuthFile: "",
      compressedSizeBytes: layers.reduce((sum, { size }) => sum + size, 0),
      exportMode: "native",
      registryAuth: null,
      onPullProgress,
    });
    expect(source.indexDigest).toBeUndefined();
    expect(source.config.labels).toEqual({ seed: "v1" });
    expect(source.image?.platform).toEqual(linux);
    expect(source.image?.layers.map(({ layer, descriptor, diffId }) => [layer, descriptor.digest, diffId])).toEqual(
      layers.map(({ digest, diffId }, layer) => [layer, digest, diffId]),
    );
    expect(manifestsAsked(registry)).toEqual(["GET /v2/app/manifests/v1"]);
    await source.cleanup();
    await source.cleanup();
  });

  test("keeps what it was found to be when its tag moves, and is read without asking for it again", async () => {
    await using registry = await startTestRegistry();
    const image = anImage({ tag: "v1", files: { a: "old" } });
    registry.seed("app", image);
    const source = await prepare(registry);
    registry.seed("app", anImage({ tag: "v1", files: { a: "new" } }));
    registry.reset();
    const [layer] = source.image?.layers ?? [];
    const chunks: Uint8Array[] = [];
    if (layer && source.image)
      for await (const chunk of source.image.repository.fetchBlob(layer.descriptor)) chunks.push(chunk);
    expect(Buffer.concat(chunks)).toEqual(Buffer.from(image.layers[0]?.bytes ?? []));
    expect(manifestsAsked(registry)).toEqual([]);
  });

  test("is asked for by its digest where one is written, whatever the tag", async () => {
    await using registry = await startTestRegistry();
    const image = anImage({ tag: "old" });
    registry.seed("app", image, anImage({ tag: "v1", seed: 2 }));
    const { digest } = image.manifest.descriptor;
    for (const ref of [`app@${digest}`, `app:v1@${digest}`]) {
      expect((await prepare(registry, { ref })).digest).toBe(`${registry.host}/app@${digest}`);
    }
  });

  test("of another platform is refused until that is asked for", async () => {
    await using registry = await startTestRegistry();
    registry.seed("app", anImage({ tag: "v1", platform: { os: "linux", architecture: "arm", variant: "v6" } }));
    const refused = await failureOf(prepare(registry));
    expect([refused.code, refused.details]).toEqual([
      "PLATFORM_MISMATCH",
      expect.objectContaining({ wanted: "linux/amd64", actual: "linux/arm/v6" }),
    ]);
    expect((await failureOf(prepare(registry, { platform: parsePlatform("linux/arm/v7") }))).code).toBe(
      "PLATFORM_MISMATCH",
    );
    for (const platform of ["linux/arm", "linux/arm/v6"]) {
      expect((await prepare(registry, { platform: parsePlatform(platform) })).image?.platform?.variant).toBe("v6");
    }
  });

  test("is taken for this machine when no platform is asked for", async () => {
    await using registry = await startTestRegistry();
    const architecture = process.arch === "x64" ? "amd64" : process.arch;
    registry.seed("app", anImage({ tag: "v1", platform: { os: "linux", architecture } }));
    expect((await prepare(registry, { platform: undefined })).image?.platform).toEqual({ os: "linux", architecture });
  });

  test("in Docker's words is one too", async () => {
    await using registry = await startTestRegistry();
    registry.seed("app", anImage({ tag: "v1", docker: true }));
    expect((await prepare(registry)).image?.manifest.descriptor.mediaType).toBe(MediaType.dockerManifest);
  });

  test("may have no layers, and one layer twice", async () => {
    await using registry = await startTestRegistry();
    const layer = aLayer({ files: { a: "1" } });
    registry.seed("app", anImage({ tag: "v0", layers: [] }), anImage({ tag: "v1", layers: [layer, layer] }));
    expect((await prepare(registry, { ref: "app:v0" })).compressedSizeBytes).toBe(0);
    expect((await prepare(registry)).image?.layers.map(({ layer: at }) => at)).toEqual([0, 1]);
  });
});

describe("an index", () => {
  const images = (...platforms: readonly Platform[]) => platforms.map((platform, seed) => anImage({ platform, seed }));
  const arm = (variant?: string): Platform => ({ os: "linux", architecture: "arm", ...(variant ? { variant } : {}) });

  test.for<[string, readonly (Platform | undefined)[], string, number]>([
    ["the one for the platform", [arm64, linux], "linux/amd64", 1],
    ["the first of equals", [linux, linux], "linux/amd64", 0],
    ["the exact variant", [arm(), arm("v6"), arm("v7")], "linux/arm/v7", 2],
    ["one that means the variant", [arm("v6"), arm()], "linux/arm/v7", 1],
    ["the plainest when no variant is asked for", [arm("v6"), arm("v7"), arm("v5")], "linux/arm", 1],
    ["arm64 without a word of v8", [linux, { ...arm64, variant: "v8" }], "linux/arm64", 1],
    ["one without a platform as linux/amd64", [arm64, undefined], "linux/amd64", 1],
    ["an alias", [arm64, { os: "linux", architecture: "x86_64" }], "linux/amd64", 1],
  ])("gives %s", async ([, platforms, wanted, chosen]) => {
    await using registry = await startTestRegistry();
    const children = images(...platforms.map((platform) => platform ?? linux));
    const index = anIndex({ tag: "v1", images: children, platforms });
    registry.seed("app", index);
    const source = await prepare(registry, { platform: parsePlatform(wanted) });
    const digest = children[chosen]?.manifest.descriptor.digest;
    expect([source.manifestDigest, source.indexDigest]).toEqual([digest, index.manifest.descriptor.digest]);
    expect(source.digest).toBe(`${registry.host}/app@${digest}`);
    expect(manifestsAsked(registry)).toEqual(["GET /v2/app/manifests/v1", `GET /v2/app/manifests/${digest}`]);
  });

  test("leads through indexes within it", async () => {
    await using registry = await startTestRegistry();
    const [wanted, other] = [anImage({ seed: 1 }), anImage({ seed: 2, platform: arm64 })];
    const inner = anIndex({ images: [wanted], platforms: [linux] });
    const middle = anIndex({ images: [inner] });
    const index = anIndex({ tag: "v1", images: [other, middle], platforms: [arm64] });
    registry.seed("app", index);
    expect((await prepare(registry)).manifestDigest).toBe(wanted.manifest.descriptor.digest);
  });

  test("that leads nowhere within bounds has no image", async () => {
    await using registry = await startTestRegistry();
    let index = anIndex({ images: [anImage()], platforms: [linux] });
    for (let depth = 0; depth < 5; depth += 1) index = anIndex({ images: [index], tags: ["v1"] });
    registry.seed("app", index);
    expect((await failureOf(prepare(registry))).code).toBe("PLATFORM_NOT_FOUND");
    expect(manifestsAsked(registry)).toHaveLength(4);
  });

  test("without the platform says which there are, attestations left out", async () => {
    await using registry = await startTestRegistry();
    const [a, b, c] = images(arm64, arm("v7"), { os: "unknown", architecture: "unknown" });
    const platforms = [arm64, arm("v7"), { os: "unknown", architecture: "unknown" }];
    if (a && b && c) registry.seed("app", anIndex({ tag: "v1", images: [a, b, c], platforms }));
    const failure = await failureOf(prepare(registry));
    expect([failure.code, failure.details]).toEqual([
      "PLATFORM_NOT_FOUND",
      { reference: `${registry.host}/app:v1`, wanted: "linux/amd64", offered: ["linux/arm64", "linux/arm/v7"] },
    ]);
  });

  test("may list what is attached to its image without a platform: that is none", async () => {
    await using registry = await startTestRegistry();
    const [attached, wanted] = [anImage({ seed: 1 }), anImage({ seed: 2 })];
    const index = anIndex({ images: [attached, wanted], platforms: [undefined, linux] });
    const { manifests, ...rest } = JSON.parse(new TextDecoder().decode(index.manifest.bytes)) as {
      readonly manifests: readonly Descriptor[];
    };
    const listed = manifests.map((child, at) => (at === 0 ? { ...child, artifactType: "application/vnd.x" } : child));
    const bytes = new TextEncoder().encode(JSON.stringify({ ...rest, manifests: listed }));
    registry.seed("app", { ...index, manifest: manifestOf(bytes, MediaType.ociIndex), tags: ["v1"] });
    expect((await prepare(registry)).manifestDigest).toBe(wanted.manifest.descriptor.digest);
  });

  test("is believed about the platform of its image, but one it says nothing of must fit", async () => {
    await using registry = await startTestRegistry();
    const wrong = anImage({ platform: arm64 });
    registry.seed(
      "app",
      anIndex({ tag: "said", images: [wrong], platforms: [linux] }),
      anIndex({ tag: "silent", images: [wrong] }),
    );
    expect((await prepare(registry, { ref: "app:said" })).image?.platform).toEqual(linux);
    expect((await failureOf(prepare(registry, { ref: "app:silent" }))).code).toBe("PLATFORM_MISMATCH");
  });
});

describe("what is no image", () => {
  const schema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
  const withLayer = (change: Partial<Descriptor>) => (body: Record<string, unknown>) => ({
    ...body,
    layers: (body.layers as readonly Descriptor[]).map((layer) => ({ ...layer, ...change })),
  });
  const oci = MediaType.ociManifest;

  test.for<[string, BuiltImage, RegExp]>([
    [
      "an artifact",
      anArtifact({ subject: anImage(), artifactType: "application/vnd.example.sbom" }),
      /it is .*vnd\.example\.sbom/,
    ],
    [
      "more layers than its config tells of",
      altered(anImage(), (body) => ({ ...body, layers: [...(body.layers as []), ...(body.layers as [])] }), oci),
      /2 layers, its config tells of 1/,
    ],
    [
      "a layer that is no archive",
      altered(anImage(), withLayer({ mediaType: "application/vnd.in-toto+json" }), oci),
      /in-toto\+json, which is no tar archive/,
    ],
    [
      "an encrypted layer",
      altered(anImage(), withLayer({ mediaType: `${MediaType.ociLayerGzip}+encrypted` }), oci),
      /encrypted/,
    ],
    [
      "a huge config",
      altered(anImage(), (body) => ({ ...body, config: { ...(body.config as Descriptor), size: 1e9 } }), oci),
      /allowed are/,
    ],
    ["a config that is no JSON", { ...anImage(), ...brokenConfig() }, /its config cannot be read/],
  ])("is refused: %s", async ([, image, message]) => {
    await using registry = await startTestRegistry();
    registry.seed("app", { ...image, tags: ["v1"] });
    const failure = await failureOf(prepare(registry));
    expect([failure.code, failure.message]).toEqual(["IMAGE_INVALID", expect.stringMatching(message)]);
  });

  test.for<[string, string, object, RegExp]>([
    [
      "schema 1",
      schema1,
      { schemaVersion: 1, fsLayers: [], history: [] },
      /manifest\.v1\+prettyjws, which is no manifest/,
    ],
    ["a manifest without a config", oci, { schemaVersion: 2, mediaType: oci, layers: [] }, /config/],
    [
      "a layer of a size below 0",
      oci,
      { ...bodyOf(anImage()), layers: [{ ...(bodyOf(anImage()).config as Descriptor), size: -5 }] },
      /size/,
    ],
    ["a web page", "text/html", {}, /text\/html, which is no manifest/],
  ])("is refused: %s", async ([, type, body, message]) => {
    const server = createServer((_request, response) =>
      response.setHeader("content-type", type).end(JSON.stringify(body)),
    );
    await once(server.listen(0, "127.0.0.1"), "listening");
    const imageRef = `127.0.0.1:${(server.address() as AddressInfo).port}/app:v1`;
    const failure = await failureOf(prepareSource({ imageRef, from, mode: "native" })).finally(() => server.close());
    expect([failure.code, failure.message]).toEqual(["IMAGE_INVALID", expect.stringMatching(message)]);
  });

  test("is refused over the number of layers allowed", async () => {
    await using registry = await startTestRegistry();
    registry.seed("app", anImage({ tag: "v1", layers: [aLayer({ size: 1 }), aLayer({ size: 2 })] }));
    const failure = await failureOf(prepare(registry, { limits: { maxLayers: 1 } }));
    expect([failure.code, failure.details]).toEqual([
      "LIMIT_EXCEEDED",
      expect.objectContaining({ limit: "maxLayers", max: 1 }),
    ]);
  });

  function brokenConfig(): Pick<BuiltImage, "manifest" | "config" | "blobs"> {
    const config = aBlob({ content: "{", mediaType: MediaType.ociConfig });
    const { digest, size, mediaType } = config;
    const change = (body: Record<string, unknown>) => ({ ...body, config: { digest, size, mediaType } });
    const image = anImage();
    return { manifest: altered(image, change, oci).manifest, config, blobs: [config, ...image.layers] };
  }
});

test("a foreign layer is taken from the registry that has it, and never from where the image says", async () => {
  await using registry = await startTestRegistry();
  await using elsewhere = await startTestRegistry();
  const image = anImage({ tag: "v1", docker: true });
  const foreign = altered(
    image,
    (body) => {
      const [layer] = body.layers as readonly Descriptor[];
      const urls = [`${elsewhere.url}/layer?token=secret`];
      return { ...body, layers: [{ ...layer, mediaType: MediaType.dockerForeignLayerGzip, urls }] };
    },
    MediaType.dockerManifest,
  );
  registry.seed("has", foreign);
  registry.seed("lacks", { ...foreign, blobs: [image.config] });
  expect((await prepare(registry, { ref: "has:v1" })).image?.layers).toHaveLength(1);
  const failure = await failureOf(prepare(registry, { ref: "lacks:v1" }));
  expect([failure.code, failure.details]).toEqual([
    "LAYER_FOREIGN",
    expect.objectContaining({ layer: 0, digest: image.layers[0]?.digest, hosts: [elsewhere.host] }),
  ]);
  expect(failure.message).not.toContain("secret");
  expect(elsewhere.requests()).toEqual([]);
});

describe("before anything is asked", () => {
  const asksNobody: OpenRegistry = () => {
    throw new Error("a registry was opened");
  };

  test.for(["", "docker://docker://x", "image;rm -rf /", "$(whoami)", "a\nb", "-x"])(
    "%j is refused",
    async (imageRef) => {
      for (const mode of ["native", "dockerless", "docker"] as const) {
        expect((await failureOf(prepareSource({ imageRef, from: asksNobody, mode }))).code).toBe("REFERENCE_INVALID");
      }
    },
  );

  test("credentials are kept from plain HTTP", async () => {
    const spec: SourceSpec = {
      imageRef: "http://r.example.com/a",
      registryPassword: "s3cret",
      from: asksNobody,
      mode: "native",
    };
    const failure = await failureOf(prepareSource(spec));
    expect([failure.code, failure.message]).toEqual(["CREDENTIALS_EXPOSED", expect.not.stringContaining("s3cret")]);
    await expect(prepareSource({ ...spec, allowExposedCredentials: true })).rejects.toThrow("a registry was opened");
    for (const host of ["127.0.0.1:1", "127.9.9.9", "localhost:5000", "app.localhost"]) {
      await expect(prepareSource({ ...spec, imageRef: `http://${host}/a` })).rejects.toThrow("a registry was opened");
    }
    for (const host of [
      "notlocalhost.io",
      "evil-localhost:5000",
      "localhost.example.com",
      "127.0.0.1.nip.io",
      "10.0.0.1",
    ]) {
      await expect(prepareSource({ ...spec, imageRef: `http://${host}/a` })).rejects.toMatchObject({
        code: "CREDENTIALS_EXPOSED",
      });
    }
  });

  test("an aborted call ends with its reason", async () => {
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(prepareSource({ imageRef: "a", from: asksNobody }, { signal })).rejects.toBe(signal.reason);
  });

  test("nothing to ask is told", async () => {
    expect((await failureOf(prepareSource({ imageRef: "r.io/a", mode: "native" }))).code).toBe("SOURCE_UNPREPARED");
  });
});

test("who opens a registry is told as whom and how to ask", async () => {
  await using registry = await startTestRegistry();
  registry.seed("app", anImage({ tag: "v1" }));
  const asked: unknown[] = [];
  const opens: OpenRegistry = (host, access) => {
    asked.push([host, access]);
    return createRegistry(host);
  };
  const source = await prepare(registry, { registryUsername: "u", from: opens });
  expect(source.registryAuth).toEqual({ username: "u", password: "" });
  expect(asked).toEqual([[registry.host, { auth: { username: "u", password: "" }, isPlainHttp: false }]]);
  await prepareSource({
    imageRef: "http://nginx",
    from: (host, access) => {
      asked.push([host, access]);
      throw new Error("no");
    },
    mode: "native",
  }).catch(() => {});
  expect(asked[1]).toEqual(["index.docker.io", { auth: undefined, isPlainHttp: true }]);
});

test("a repository that is given is asked in place of a host", async () => {
  await using registry = await startTestRegistry();
  const image = anImage({ tag: "v1" });
  registry.seed("packages/app", image);
  const repository = registry.registry.repository("packages/app");
  const { digest } = image.manifest.descriptor;
  for (const spec of [
    { imageRef: "packages/app:v1" },
    { imageRef: `packages/app@${digest}` },
    { imageRef: "packages/app", reference: "v1" },
  ]) {
    const source = await prepareSource({ ...spec, repository, platform: linux });
    expect([source.digest, source.exportMode]).toEqual([`packages/app@${digest}`, "native"]);
  }
  expect((await failureOf(prepareSource({ imageRef: "a:b c", repository }))).code).toBe("REFERENCE_INVALID");
  expect((await failureOf(prepareSource({ imageRef: "a", repository, mode: "docker" }))).code).toBe(
    "SOURCE_UNPREPARED",
  );
});

test.for([
  ["NOT_FOUND", "missing", "app:v2", undefined],
  ["SERVER_ERROR", "transient", "app:v1", faults.status(500)],
] as const)("a registry's %s is told as it is", async ([code, failure, ref, fault]) => {
  await using registry = await startTestRegistry();
  registry.seed("app", anImage({ tag: "v1" }));
  if (fault) registry.fail(fault);
  const error = await failureOf(prepare(registry, { ref }));
  expect([error.code, error.details]).toEqual([
    "SOURCE_FAILED",
    { reference: `${registry.host}/${ref}`, code, failure },
  ]);
  expect(error.cause).toMatchObject({ name: "RegistryError", code });
});

test.for<[Readonly<Record<string, string>>, readonly string[], string]>([
  [{}, ["skopeo", "umoci"], "native"],
  [{ CUBEMASTER_NATIVE_ROOTFS_EXPORT_ENABLED: "maybe" }, [], "native"],
  [{ CUBEMASTER_NATIVE_ROOTFS_EXPORT_ENABLED: " " }, [], "native"],
  [{ CUBEMASTER_NATIVE_ROOTFS_EXPORT_ENABLED: " false " }, ["skopeo", "umoci"], "dockerless"],
  [{ CUBEMASTER_NATIVE_ROOTFS_EXPORT_ENABLED: "0" }, ["skopeo"], "docker"],
  [{ CUBEMASTER_NATIVE_ROOTFS_EXPORT_ENABLED: "F" }, [], "docker"],
])("with %j and %j on PATH, images are exported as %s", async ([environment, tools, mode]) => {
  expect(await exportModeOf(environment, (tool) => tools.includes(tool))).toBe(mode);
});
