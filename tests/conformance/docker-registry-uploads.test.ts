import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { digestOf } from "@tranship/registry";
import { aBlob, anArtifact, anImage, type BuiltBlob, partsOf, type Seedable } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { createClient } from "../../packages/registry/src/remote/create-client.ts";
import { hostTraits } from "../../packages/registry/src/remote/host-traits.ts";
import { RemoteRepository } from "../../packages/registry/src/remote/remote-repository.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { lacking } from "../support/tools.ts";

const missing = lacking("docker-registry");
if (missing.length > 0) {
  console.warn("tests/conformance/docker-registry-uploads: skipped, docker-registry is not installed");
}

/** A way to the registry that breaks off once, after so many bytes in one direction. */
async function aBrokenWay(host: string, direction: "there" | "back", bytes: number) {
  const [hostname = "", port = ""] = host.split(":");
  let left = bytes;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    const both = [near, far];
    for (const socket of both) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => (socket === near ? far : near).destroy());
    }
    near.pipe(far).pipe(near);
    (direction === "there" ? near : far).on("data", (chunk: Uint8Array) => {
      if (left <= 0) return;
      left -= chunk.byteLength;
      if (left <= 0) for (const socket of both) socket.destroy();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    hasBroken: () => left <= 0,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function aRepository(host: string, uploadChunkBytes?: number) {
  const client = createClient(host, { retryDelayMs: 1 });
  const repository = new RemoteRepository(client, host, "", "app", { uploadChunkBytes });
  return { repository, [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
}

async function* pieces(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

const opening = (blob: BuiltBlob) => (offset: number) => pieces(blob.bytes.subarray(offset));

async function push(repository: RemoteRepository, thing: Seedable): Promise<void> {
  const { blobs, manifests } = partsOf(thing);
  for (const blob of blobs) await repository.pushBlob(blob, opening(blob));
  for (const { manifest, tags } of manifests) await repository.pushManifest(manifest, { tags });
}

describe.skipIf(missing.length > 0)("uploads to docker-registry", () => {
  const blob = aBlob({ size: 2_000_000 });

  test.for([1, 100_000, 1_999_999, 2_000_000, 5_000_000])(
    "arrive whole in chunks of at most %i bytes",
    async (size) => {
      await using server = await startDockerRegistry();
      const sent = size === 1 ? aBlob({ size: 5 }) : blob;
      await using home = aRepository(server.host, size);
      expect(await home.repository.pushBlob(sent, opening(sent))).toBe("written");
      const stored = Buffer.concat(await Array.fromAsync(home.repository.fetchBlob(sent)));
      expect(digestOf(stored)).toBe(sent.digest);
    },
  );

  test.for<["there" | "back", number, number | undefined]>([
    ["there", 300_000, undefined],
    ["there", 1_500_000, undefined],
    ["there", 300_000, 400_000],
    ["there", 1_500_000, 400_000],
    ["back", 600, undefined], // what the registry says of the session is lost
    ["back", 1000, undefined],
    ["back", 1000, 400_000],
    ["back", 2000, 400_000],
    ["back", 3000, 400_000],
  ])("arrive whole when the way %s breaks after %i bytes, in chunks of %s", async ([direction, bytes, chunk]) => {
    await using server = await startDockerRegistry();
    await using way = await aBrokenWay(server.host, direction, bytes);
    await using home = aRepository(way.host, chunk);
    expect(await home.repository.pushBlob(blob, opening(blob))).toBe("written");
    expect(way.hasBroken()).toBe(true);
    const stored = Buffer.concat(await Array.fromAsync(home.repository.fetchBlob(blob)));
    expect(digestOf(stored)).toBe(blob.digest);
  });
});

describe.skipIf(missing.length > 0)("docker-registry, which lists no referrers,", () => {
  const image = anImage({ tag: "v1" });
  const subject = image.manifest.descriptor.digest;
  const artifacts = ["signature", "report", "bom", "scan"].map((kind) =>
    anArtifact({ subject: image, artifactType: `application/x.${kind}` }),
  );

  test("has them under the fallback tag, however many come at once, and loses those that are deleted", async () => {
    await using server = await startDockerRegistry();
    await using home = aRepository(server.host);
    const listed = async () => (await Array.fromAsync(home.repository.referrers(subject))).map(({ digest }) => digest);
    await push(home.repository, image);
    await Promise.all(artifacts.map((artifact) => push(home.repository, artifact)));
    const digests = artifacts.map(({ manifest }) => manifest.descriptor.digest);
    expect((await listed()).sort()).toEqual([...digests].sort());
    for (const digest of digests) {
      expect(await home.repository.deleteManifest(digest)).toBe(true);
      expect(await listed()).not.toContain(digest);
    }
    expect(await listed()).toEqual([]);
  });

  test("deletes manifests and blobs, and says that it cannot delete tags", async () => {
    await using server = await startDockerRegistry();
    await using home = aRepository(server.host);
    await push(home.repository, image);
    await expect(home.repository.deleteTag("v1")).rejects.toMatchObject({ code: "UNSUPPORTED" });
    expect(await home.repository.deleteManifest(subject)).toBe(true);
    expect(await home.repository.deleteManifest(subject)).toBe(false);
    expect(await home.repository.resolve("v1")).toBeUndefined();
    expect(await home.repository.deleteBlob(image.config.digest)).toBe(true);
    expect(await home.repository.deleteBlob(image.config.digest)).toBe(false);
  });
});

test.skipIf(missing.length > 0)("a mount from the repository itself tells what is there", async () => {
  await using registry = await startDockerRegistry();
  const client = createClient(registry.host, { retryDelayMs: 1 });
  await using _client = { [Symbol.asyncDispose]: () => client[Symbol.asyncDispose]() };
  const repository = new RemoteRepository(client, registry.host, "", "app");
  const blobs = Array.from({ length: 40 }, (_, n) => aBlob({ size: 1000, seed: `${n}` }));
  for (const blob of blobs) expect(await repository.pushBlob(blob, opening(blob))).toBe("written");
  expect(hostTraits(client).ownMount).toBe("tells");
  for (const blob of blobs) expect(await repository.pushBlob(blob, opening(blob))).toBe("present");
  const [blob] = blobs;
  if (!blob) throw new Error("no blob");
  const elsewhere = new RemoteRepository(client, registry.host, "", "elsewhere");
  expect(await elsewhere.pushBlob(blob, opening(blob))).toBe("written");
});
