import { expect, test } from "vitest";
import type { RepositoryReader, RepositoryWriter } from "../repository.ts";
import { aBlob, type BuiltBlob, faults, startTestRegistry, type TestRegistry } from "../testing/index.ts";
import { createRegistry, type RemoteRegistry } from "./create-registry.ts";

const limits = { meta: 1, down: 1, up: 1 };
// more than the kernel keeps between two ends of a connection: a copy that stops in the middle stays there
const blobs = Array.from({ length: 4 }, (_, seed) => aBlob({ size: 12_000_000, seed }));
const others = Array.from({ length: 4 }, (_, seed) => aBlob({ size: 12_000_000, seed: `other ${seed}` }));
const allWritten = blobs.map(() => "written");
const reads = /^GET .*\/blobs\//;

test.for([
  { name: "whole", breaks: 0 },
  { name: "with downloads that break in the middle", breaks: 3 },
])("copies inside one host, $name, never stall at one slot of each kind", async ({ breaks }) => {
  await using server = await startTestRegistry();
  await using registry = aRegistry(server);
  server.seed("from", ...blobs);
  server.fail(faults.cutAfter(5_000_000), { times: breaks, match: reads });
  expect(await copyAll(registry.repository("from"), registry.repository("to"), blobs)).toEqual(allWritten);
  expect(server.requests().filter(({ method }) => method === "PUT")).toHaveLength(blobs.length);
});

test.for([
  { name: "whole", breaks: 0 },
  { name: "with downloads that break in the middle", breaks: 3 },
])("copies between two hosts, both ways at once, $name, never stall at one slot of each kind", async ({ breaks }) => {
  await using one = await startTestRegistry();
  await using two = await startTestRegistry();
  await using first = aRegistry(one);
  await using second = aRegistry(two);
  one.seed("from", ...blobs);
  two.seed("from", ...others);
  for (const server of [one, two]) server.fail(faults.cutAfter(5_000_000), { times: breaks, match: reads });
  const [there, back] = await Promise.all([
    copyAll(first.repository("from"), second.repository("to"), blobs),
    copyAll(second.repository("from"), first.repository("to"), others),
  ]);
  expect([there, back]).toEqual([allWritten, allWritten]);
});

test("a copy goes through a limit of bytes and of requests unharmed", async () => {
  await using server = await startTestRegistry();
  await using registry = createRegistry(server.host, {
    limits: { ...limits, bytesPerSecond: 200_000_000, requestsPerSecond: 1000 },
    retryDelayMs: 1,
  });
  server.seed("from", ...blobs);
  server.fail(faults.cutAfter(5_000_000), { times: 2, match: reads });
  expect(await copyAll(registry.repository("from"), registry.repository("to"), blobs)).toEqual(allWritten);
});

test("a copy that says where the bytes come from is a mount inside one host, below whatever root", async () => {
  await using server = await startTestRegistry();
  await using other = await startTestRegistry();
  const blob = aBlob({ size: 5000 });
  server.seed("org/app", blob);
  const outcomes: string[] = [];
  for (const { host } of [server, other]) {
    await using below = createRegistry(`${host}/mirror/fe`);
    const to = below.repository("app");
    const open = async function* () {
      yield blob.bytes;
    };
    outcomes.push(await to.pushBlob(blob, open, { source: `${server.host}/org/app` }));
  }
  expect(outcomes).toEqual(["mounted", "written"]);
});

test("a read that somebody else hashes is not hashed twice", async () => {
  await using server = await startTestRegistry();
  await using registry = aRegistry(server);
  const blob = aBlob({ size: 5000 });
  server.seed("from", blob);
  server.fail(faults.corrupt(), { times: 2, match: reads });
  const read = async (verify: boolean) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of registry.repository("from").fetchBlob(blob, { verify })) chunks.push(chunk);
    return Buffer.concat(chunks).byteLength;
  };
  await expect(read(true)).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  expect(await read(false)).toBe(blob.size);
  // the other one is the writer, which takes nothing that is not the digest's
  server.fail(faults.corrupt(), { match: reads });
  await expect(copyAll(registry.repository("from"), registry.repository("to"), [blob], false)).rejects.toMatchObject({
    code: "DIGEST_MISMATCH",
  });
});

function aRegistry(server: TestRegistry): RemoteRegistry {
  return createRegistry(server.host, { limits, retryDelayMs: 1 });
}

function copyAll(
  from: RepositoryReader,
  to: RepositoryWriter,
  all: readonly BuiltBlob[],
  verify = true,
): Promise<readonly string[]> {
  return Promise.all(all.map((blob) => to.pushBlob(blob, (offset) => from.fetchBlob(blob, { offset, verify }))));
}
