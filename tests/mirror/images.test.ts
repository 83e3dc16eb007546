import { rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import {
  Bundle,
  BundleDirectory,
  ImagesService,
  type ImagesServiceOptions,
  pull,
  pushBundle,
  type RegistryOfHost,
  verify,
  verifyBundle,
} from "@tranship/core";
import { createRegistry, type Registry } from "@tranship/registry";
import {
  aBlob,
  anArtifact,
  anImage,
  anIndex,
  faults,
  partsOf,
  type Seedable,
  startTestRegistry,
  type TestRegistry,
  type TestRegistryOptions,
} from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { fileDigests } from "../support/bundle-files.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { readPlan } from "../support/mirror.ts";
import { runProgram, runProgramIn } from "../support/run-program.ts";
import { tempFolder } from "../support/temp-folder.ts";

const platforms = [
  { os: "linux", architecture: "amd64" },
  { os: "linux", architecture: "arm64" },
];
const app = anIndex({
  tag: "v2.0.0",
  platforms,
  images: platforms.map((platform) => anImage({ platform, seed: platform.architecture })),
});
const signature = anArtifact({ subject: app, artifactType: "application/vnd.example.signature" });
const older = anImage({ tags: ["v1.9.1", "edge"], seed: "older" });
const chart = anImage({
  tag: "0.3.0",
  artifactType: "application/vnd.cncf.helm.config.v1+json",
  layers: [aBlob({ size: 3000, mediaType: "application/vnd.cncf.helm.chart.content.v1.tar+gzip" })],
});
const tool = anImage({ tag: "1.0.0", seed: "tool", docker: true });
const untagged = anImage({ seed: "untagged" });
const hex = untagged.manifest.descriptor.digest.slice("sha256:".length);

/** A registry with an application and a chart. */
async function aSource(options?: TestRegistryOptions): Promise<TestRegistry> {
  const registry = await startTestRegistry(options);
  registry.seed("org/app", app, signature, older, anImage({ tag: "v1.9.0" }), anImage({ tag: "v2.1.0-rc.1" }));
  registry.seed("org/charts/app", chart);
  return registry;
}

/** Pushes things with all they need. */
async function pushAll(registry: Registry, path: string, ...things: readonly Seedable[]): Promise<void> {
  const repository = registry.repository(path);
  for (const { blobs, manifests } of things.map(partsOf)) {
    for (const blob of blobs) {
      await repository.pushBlob(blob, async function* (offset) {
        yield blob.bytes.subarray(offset);
      });
    }
    for (const { manifest, tags } of manifests) await repository.pushManifest(manifest, { tags });
  }
}

test("images of two registries reach a third through one bundle, whole and under their digests", async () => {
  await using source = await aSource();
  await using docker = await startDockerRegistry();
  await using other = createRegistry(docker.host);
  await pushAll(other, "tools/tool", tool);
  await pushAll(other, "tools/tool", { ...untagged, tags: [] });
  await using one = createRegistry(source.host);
  const from: RegistryOfHost = (host) => (host === source.host ? one : other);
  const options: ImagesServiceOptions = {
    images: [
      `${source.host}/org/app@>=1.9 & latest-patch & latest:2`,
      { repository: `${source.host}/org/charts/app`, range: "^0.3" },
      `${docker.host}/tools/tool:1.0.0@${tool.manifest.descriptor.digest}`,
      `${docker.host}/tools/tool@${untagged.manifest.descriptor.digest}`,
    ],
    from,
    paths: {
      prefix: "third",
      rewrites: [
        { from: docker.host, to: "docker" },
        { from: source.host, to: "" },
      ],
    },
  };
  const list = await new ImagesService(options).plan();

  const folder = tempFolder();
  const images = new ImagesService(options);
  {
    await using bundle = await BundleDirectory.open(folder);
    expect(await images.pull({ to: bundle })).toMatchObject({ missing: [], failed: [] });
  }
  const { archives } = readPlan(folder);
  expect(archives).toEqual(list.archives);
  expect(Object.fromEntries(images.stats().repositories.map(({ path, tags }) => [path, tags]))).toEqual({
    "third/docker/tools/tool": ["1.0.0", hex],
    "third/org/app": ["v1.9.1", "v2.0.0"],
    "third/org/charts/app": ["0.3.0"],
  });

  await using target = await startTestRegistry();
  await using mirror = createRegistry(`${target.host}/mirror`);
  await using bundle = await Bundle.open(folder);
  expect((await verifyBundle(bundle)).findings).toEqual([]);
  await pushBundle(bundle, mirror);
  expect(await verify(mirror, list)).toMatchObject({ ok: true, findings: [] });
  const pushed = mirror.repository("third/org/app");
  expect((await pushed.resolve("v2.0.0"))?.digest).toBe(app.manifest.descriptor.digest);
  const referrers = await Array.fromAsync(pushed.referrers(app.manifest.descriptor.digest));
  expect(referrers.map(({ digest }) => digest)).toEqual([signature.manifest.descriptor.digest]);
  expect(await mirror.repository("third/docker/tools/tool").resolve(hex)).toMatchObject({
    digest: untagged.manifest.descriptor.digest,
  });
});

test("an interrupted pull goes on with what its tags meant, in whatever order the images are named", async () => {
  await using source = await aSource();
  await using client = createRegistry(source.host, { retryDelayMs: 1, attempts: 1 });
  const images = [`${source.host}/org/app:edge`, `${source.host}/org/charts/app@latest:1`];
  const folder = tempFolder();
  const pullOf = async (named: readonly string[]) => {
    await using bundle = await BundleDirectory.open(folder);
    const service = new ImagesService({ images: named, from: () => client });
    return await pull([service], { to: bundle, attempts: 1, inFlight: 1 });
  };
  const layer = older.layers[0]?.digest ?? "";
  source.fail(faults.status(403), { match: ({ path }) => path.endsWith(layer), times: 99 });
  await expect(pullOf(images)).rejects.toThrow("403");
  source.reset();
  source.seed("org/app", anImage({ tag: "edge", seed: "moved" }));
  expect((await pullOf(images.toReversed())).failed).toEqual([]);
  expect(JSON.stringify(readPlan(folder))).toContain(older.manifest.descriptor.digest);
  expect(source.requests().filter(({ path }) => path.endsWith("/manifests/edge"))).toEqual([]);
});

describe("on the command line", () => {
  /** Runs the program; it has to succeed. */
  async function done(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runProgram(...args);
    expect({ code, stderr: code === 0 ? "" : stderr }).toEqual({ code: 0, stderr: "" });
    return stdout;
  }

  test("a plan of several hosts is made, followed and repaired without a source", async () => {
    await using one = await aSource();
    await using two = await startTestRegistry();
    two.seed("tools/tool", tool);
    const [folder, file] = [tempFolder(), join(tempFolder(), "plan.json")];
    const images = ["--image", `${one.host}/org/app@^2 & latest:1`, "--image", `${two.host}/tools/tool:1.0.0`];
    const planned = await done("plan", ...images, "--image-path", "strip", "-o", file);
    expect(planned).toContain(`  tools/tool from ${two.host}/tools/tool
`);
    expect(planned).toContain(`  org/app from ${one.host}/org/app
`);
    expect(one.requests().some(({ path }) => /packages|modules/.test(path))).toBe(false);
    await done("pull", folder, "--plan", file);
    expect((await runProgram("verify", `bundle:${folder}`)).code).toBe(0);
    const right = await fileDigests(folder);
    const archives = readPlan(folder).archives.map(({ archive }) => archive);
    expect(archives).toHaveLength(2);
    truncateSync(join(folder, archives[0] ?? ""), 1000);
    rmSync(join(folder, archives[1] ?? ""));
    await done("repair", folder);
    expect(await fileDigests(folder)).toEqual(right);
    await done("pull", folder, ...images, "--image-path", "strip");
    expect(await fileDigests(folder)).toEqual(right);
  });

  test("explains tags by what decides on each", async () => {
    await using source = await aSource();
    const image = `${source.host}/org/app@^1 & latest:1`;
    const explained = await done("plan", "--explain", "--image", image, "--exclude-image", "*@*.0");
    expect(
      explained
        .trim()
        .split("\n")
        .map((line) => line.trim().replace(/ +/g, " ")),
    ).toEqual([
      `${source.host}/org/app: ^1 & latest:1`,
      "- v2.1.0-rc.1 a prerelease, and the range names none: ^1",
      "- v2.0.0 left out: *@*.0",
      "+ v1.9.1 among the newest versions: latest:1",
      "- v1.9.0 left out: *@*.0",
      "- edge no version",
    ]);
  });

  test("a login is for the source, or for the one host there is, and no other sees it", async () => {
    const credentials = { username: "robot", password: "right" };
    await using closed = await aSource({ credentials });
    await using open = await aSource();
    const login = ["--registry-login", "robot", "--registry-password", "right"];
    const [own, other] = [`${closed.host}/org/app:edge`, `${open.host}/org/app:edge`];
    await done("plan", "--image", own, ...login);
    const catalogs = ["--no-modules", "--no-packages", "--no-package-versions"];
    await done("plan", "--source", `${closed.host}/org`, ...catalogs, "--image", own, "--image", other, ...login);
    expect(open.requests().length).toBeGreaterThan(0);
    expect(open.requests().some(({ authorization }) => authorization)).toBe(false);
    const several = await runProgram("plan", "--image", own, "--image", other, ...login);
    expect(several).toMatchObject({ code: 2, stderr: expect.stringContaining("the images are on several") });
    const denied = await runProgram("plan", "--image", own, "--image", other);
    expect(denied).toMatchObject({ code: 1, stderr: expect.stringContaining("401") });
    const variables = { TRANSHIP_SOURCE: "a.b/c", TRANSHIP_SOURCE_LOGIN: "robot", TRANSHIP_SOURCE_PASSWORD: "right" };
    closed.reset();
    const elsewhere = await runProgramIn(variables, "plan", "--image", own, "--insecure");
    expect(elsewhere).toMatchObject({ code: 1, stderr: expect.stringContaining("401") });
    expect(closed.requests().some(({ authorization }) => authorization)).toBe(false);
    expect(await runProgramIn(variables, "plan", "--image", own, "--registry-login", "robot")).toMatchObject({
      code: 0,
    });
  });

  test.for([
    [["plan"], "no source was given"],
    [["plan", "--image", "example.com/app@latest"], '--image: cannot read "example.com/app@latest"'],
    [["plan", "--image", "a.b/app", "--exclude-image", "a.b/app@x"], '--exclude-image: cannot read "a.b/app@x"'],
    [["plan", "--image", "a.b/app", "--include-package", "console"], "--include-package needs --source"],
    [["plan", "--image-prefix", "x", "--source", "a.b/c"], "--image-prefix needs --image"],
    [["plan", "--image", "a.b/app", "--image-rewrite", "a.b"], "write it as FROM=TO"],
    [["plan", "--image", "a.b/app", "--insecure", "--image", "c.d/app"], "--insecure: it is about one registry"],
    [["plan", "--image", "a.b/app@^1", "--proxy-registry"], "a proxy lists no tags"],
    [["pull", "x", "--plan", "y", "--image", "a.b/app"], "--image and --plan contradict each other"],
  ] as const)("%j is refused: %s", async ([args, said]) => {
    expect(await runProgram(...args)).toMatchObject({ code: 2, stderr: expect.stringContaining(said) });
  });
});
