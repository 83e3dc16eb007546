import { execFile, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { createRegistry, MemoryRegistry } from "@tranship/registry";
import { aLayer, anImage, anIndex, faults, seedMemory, startTestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { isMirrorError } from "../errors.ts";
import { pushBundle } from "./push-bundle.ts";

const base = aLayer({ size: 50_000, seed: "base" });

/** What a pull of one package and one module brings. */
function aSource(): MemoryRegistry {
  const source = new MemoryRegistry({ name: "source" });
  const images = ["amd64", "arm64"].map((seed) => anImage({ seed, layers: [base, aLayer({ size: 100, seed })] }));
  seedMemory(source, "", [anIndex({ images, tag: "cd".repeat(32) })]);
  seedMemory(source, "packages/console", [anImage({ tag: "v1.0.0", layers: [base] })]);
  seedMemory(source, "packages/console/version", [
    anImage({ tags: ["v1.0.0", "stable"], layers: [base] }),
    anImage({ tags: ["v0.9.0", "alpha", "beta"] }),
  ]);
  seedMemory(source, "modules/net", [anImage({ tag: "v2.0.0" })]);
  seedMemory(source, "modules/net/release", [anImage({ tag: "v2.0.0", seed: "release" }), anImage({ tag: "lts" })]);
  return source;
}

describe("pushing to a registry", () => {
  test("publishes digests, then images, then versions, then channels, then names", async () => {
    await using server = await startTestRegistry();
    await using target = createRegistry(`${server.host}/mirror/fe`);
    await pushBundle(aSource(), target, { inFlight: 50 });
    const stages = [
      /^[0-9a-f]{64}$/,
      /^(packages\/console|modules\/net):v/,
      /(version|release):v/,
      /(version|release):(alpha|beta|stable|lts)$/,
      /^(packages:console|modules:net)$/,
    ];
    const named = server.requests().flatMap(({ method, path }) => {
      const [, repository = "", tag = ""] = /^\/v2\/mirror\/fe\/?(.*?)\/?manifests\/([^:]+)$/.exec(path) ?? [];
      return method === "PUT" && tag !== "" ? [repository === "" ? tag : `${repository}:${tag}`] : [];
    });
    const seen = named.map((name) => stages.findIndex((stage) => stage.test(name)));
    expect(seen).toEqual([0, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4]);
  });

  test("a second push asks for each name, and for what indexes list, once and for nothing else", async () => {
    await using server = await startTestRegistry();
    await using target = createRegistry(`${server.host}/mirror/fe`);
    const first = await pushBundle(aSource(), target);
    server.reset();
    const second = await pushBundle(aSource(), target);
    expect(second.images.present).toBe(first.images.written);
    const asked = server.requests().map(({ method, path }) => `${method} ${path.replace(/.*\/manifests\//, "")}`);
    expect(asked.filter((line) => !line.startsWith("HEAD "))).toEqual([]);
    const listed = asked.filter((line) => line.includes("sha256:"));
    expect(listed).toHaveLength(2); // one index of two images
    expect(asked).toHaveLength(second.images.present + second.discovery.present + listed.length);
  });

  test("a source that does not say what it has is the side that failed", async () => {
    await using server = await startTestRegistry({ registry: aSource() });
    server.fail(faults.status(403), { match: ({ path }) => path.startsWith("/v2/_catalog") });
    await using source = createRegistry(server.host);
    const failure = await pushBundle(source, new MemoryRegistry()).catch((error: unknown) => error);
    if (!isMirrorError(failure, "TRANSFER_FAILED")) throw failure;
    expect(failure.details).toEqual({ side: "source", reference: server.host, failure: "denied", code: "FORBIDDEN" });
  });

  test("a dry run only asks, and knows the bytes of the push", async () => {
    await using server = await startTestRegistry();
    await using target = createRegistry(`${server.host}/mirror/fe`);
    const dry = await pushBundle(aSource(), target, { dryRun: true });
    expect(new Set(server.requests().map(({ method }) => method))).toEqual(new Set(["HEAD"]));
    expect(await pushBundle(aSource(), target)).toEqual(dry);
  });

  test("uploads a layer once and mounts it in the other repositories", async () => {
    await using server = await startTestRegistry();
    await using target = createRegistry(`${server.host}/mirror/fe`);
    const report = await pushBundle(aSource(), target);
    const posts = server.requests().filter(({ method }) => method === "POST");
    const mounts = posts.filter(({ status, bytesReceived }) => status === 201 && bytesReceived === 0);
    expect(mounts.map(({ path }) => path.replace(/\/blobs\/.*/, "")).sort()).toEqual([
      "/v2/mirror/fe/modules",
      "/v2/mirror/fe/modules",
      "/v2/mirror/fe/packages/console",
      "/v2/mirror/fe/packages/console/version",
    ]);
    const received = server.requests().reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
    expect(received).toBe(report.bytes.uploaded + report.bytes.manifests);
    expect(report.blobs.mounted).toBe(2 + 2);
  });

  test("an upload that is cut off goes on and lands", async () => {
    await using server = await startTestRegistry();
    await using target = createRegistry(`${server.host}/mirror/fe`);
    let uploads = 0;
    server.failOnce(faults.cutAfter(10_000), ({ method, path }) => {
      if (!["PUT", "PATCH"].includes(method) || !path.includes("/blobs/uploads/")) return false;
      uploads += 1;
      return uploads === 2; // after the config comes the layer
    });
    const source = new MemoryRegistry();
    seedMemory(source, "packages/console", [anImage({ tag: "v1.0.0", layers: [base] })]);
    const report = await pushBundle(source, target, { inFlight: 1 });
    expect(await target.repository("packages/console").statBlob(base.digest)).toEqual({ size: base.size });
    expect(report.images).toMatchObject({ written: 1, present: 0 });
    const unanswered = server.requests().filter(({ status }) => status === 0);
    expect(unanswered.map(({ method }) => method)).toEqual(["PUT"]);
  });

  test("a wrong password stops it before anything is written", async () => {
    const credentials = { username: "robot", password: "right" };
    await using server = await startTestRegistry({ credentials });
    await using target = createRegistry(`${server.host}/mirror/fe`, {
      credentials: { ...credentials, password: "wrong-secret" },
    });
    const error: unknown = await pushBundle(aSource(), target).catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: "TRANSFER_FAILED",
      details: { side: "target", failure: "denied", code: "UNAUTHORIZED" },
      cause: { code: "UNAUTHORIZED" },
    });
    expect(JSON.stringify(error) + String(error)).not.toContain("wrong-secret");
    expect(server.requests().filter(({ method }) => method !== "HEAD" && method !== "GET")).toEqual([]);
    await expect(Array.fromAsync(server.registry.repositories())).resolves.toEqual([]);
  });

  test("a registry that refuses writes is the target's failure and names the image", async () => {
    await using server = await startTestRegistry();
    await using target = createRegistry(`${server.host}/mirror/fe`);
    server.fail(faults.status(403), {
      match: ({ method, path }) => method === "POST" && path.includes("/packages/console/blobs/"),
    });
    await expect(pushBundle(aSource(), target, { probe: false })).rejects.toMatchObject({
      code: "TRANSFER_FAILED",
      message: expect.stringContaining(
        `cannot push packages/console:v1.0.0 to ${server.host}/mirror/fe/packages/console: `,
      ),
      details: { side: "target", reference: `${server.host}/mirror/fe/packages/console:v1.0.0`, code: "FORBIDDEN" },
    });
  });

  test("a blob that arrives corrupt from a remote source is not published at the target", async () => {
    await using from = await startTestRegistry({ registry: aSource() });
    await using to = await startTestRegistry();
    await using source = createRegistry(from.host);
    await using target = createRegistry(to.host);
    from.fail(faults.corrupt({ at: 20_000 }), { match: ({ path }) => path.endsWith(base.digest) });
    await expect(pushBundle(source, target)).rejects.toMatchObject({
      code: "TRANSFER_FAILED",
      details: { side: "source", failure: "corrupt" },
      message: expect.stringContaining(`with what ${from.host}/packages/console`),
    });
    expect(await target.repository("packages/console").resolve("v1.0.0")).toBeUndefined();
  });

  const run = promisify(execFile);
  const hasSkopeo = spawnSync("skopeo", ["--version"]).status === 0;

  test.skipIf(!hasSkopeo)("skopeo lists the announced names and reads what they point at", async () => {
    await using server = await startTestRegistry();
    await using target = createRegistry(`${server.host}/mirror/fe`);
    await pushBundle(aSource(), target);
    const skopeo = async (...args: readonly string[]) => JSON.parse((await run("skopeo", args)).stdout);
    const catalog = `docker://${server.host}/mirror/fe/packages`;
    expect((await skopeo("list-tags", "--tls-verify=false", catalog)).Tags).toEqual(["console"]);
    const inspected = await skopeo("inspect", "--tls-verify=false", `${catalog}:console`);
    expect(inspected).toMatchObject({ Os: "linux", Layers: [expect.stringMatching(/^sha256:/)] });
  });
});
