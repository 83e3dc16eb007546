import { type Manifest, MemoryRegistry } from "@tranship/registry";
import { anImage, seedMemory } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { SourceCache } from "./source-cache.ts";

const signal = new AbortController().signal;

/** A repository with these tags that counts what it is asked. */
function aRepository(...tags: readonly string[]) {
  const registry = new MemoryRegistry();
  seedMemory(
    registry,
    "app",
    tags.map((tag) => anImage({ tag, seed: tag })),
  );
  const repository = registry.repository("app");
  const asked: string[] = [];
  const counted = {
    name: repository.name,
    resolve: repository.resolve.bind(repository),
    manifest: (reference: string): Promise<Manifest> => {
      asked.push(reference);
      return repository.manifest(reference);
    },
    statBlob: repository.statBlob.bind(repository),
    fetchBlob: repository.fetchBlob.bind(repository),
    tags: repository.tags.bind(repository),
    referrers: repository.referrers.bind(repository),
  };
  return { repository: counted, asked, registry };
}

test("asks for a tag once, however many ask, and not again by digest", async () => {
  const { repository, asked } = aRepository("v1");
  const cache = new SourceCache({ signal });
  const [one, two] = await Promise.all([cache.manifest(repository, "v1"), cache.manifest(repository, "v1")]);
  expect(one).toEqual(two);
  expect(await cache.manifest(repository, one?.descriptor.digest ?? "")).toEqual(one);
  expect(asked).toEqual(["v1"]);
});

test("remembers that something is missing", async () => {
  const { repository, asked } = aRepository("v1");
  const cache = new SourceCache({ signal });
  expect(await cache.manifest(repository, "v2")).toBeUndefined();
  expect(await cache.manifest(repository, "v2")).toBeUndefined();
  expect(asked).toEqual(["v2"]);
});

test("a tag that moves keeps its first meaning for the run", async () => {
  const { repository, registry } = aRepository("v1");
  const cache = new SourceCache({ signal });
  const before = await cache.manifest(repository, "v1");
  seedMemory(registry, "app", [anImage({ tag: "v1", seed: "other" })]);
  expect(await cache.manifest(repository, "v1")).toEqual(before);
});

test("a pinned reference is asked for by its digest", async () => {
  const { repository, asked } = aRepository("v1", "v2");
  const digest = (await repository.resolve("v2"))?.digest;
  if (!digest) throw new Error("not seeded");
  const cache = new SourceCache({ signal });
  cache.pin("memory/app:v1", digest);
  expect((await cache.manifest(repository, "v1"))?.descriptor.digest).toBe(digest);
  expect(asked).toEqual([digest]);
});

test("over its limit it lets bytes go and finds them again on this machine, else at the source by digest", async () => {
  const tags = ["v1", "v2", "v3"];
  const { repository, asked } = aRepository(...tags);
  const cache = new SourceCache({ signal }, 100);
  const manifests = [];
  for (const tag of tags) manifests.push(await cache.manifest(repository, tag));
  const local = new Map<string, Uint8Array>();
  cache.recall = async ({ digest }) => local.get(digest);
  const first = manifests[0];
  if (!first) throw new Error("not seeded");
  local.set(first.descriptor.digest, first.bytes);
  for (const [index, tag] of tags.entries()) expect(await cache.manifest(repository, tag)).toEqual(manifests[index]);
  expect(asked).toEqual([...tags, manifests[1]?.descriptor.digest, manifests[2]?.descriptor.digest]);
});

test("waits for a small blob that is on its way to this machine, and reads it there", async () => {
  const { repository, registry } = aRepository("v1");
  const [blob] = anImage({ tag: "v1", seed: "v1" }).blobs;
  if (!blob) return expect.unreachable();
  const cache = new SourceCache({ signal });
  const way = Promise.withResolvers<void>();
  let isThere = false;
  cache.arrival = () => way.promise;
  cache.recall = async () => (isThere ? new Uint8Array([1, 2, 3]) : undefined);
  const reading = cache.blob(repository, blob);
  expect(await cache.heldBlob(blob)).toBeUndefined(); // who brings it does not wait for who waits for it
  isThere = true;
  way.resolve();
  expect(await reading).toEqual(new Uint8Array([1, 2, 3]));

  isThere = false; // it did not arrive: the source is asked
  const other = new SourceCache({ signal });
  other.arrival = () => way.promise;
  expect(await other.blob(registry.repository("app"), blob)).toEqual(Buffer.from(blob.bytes));
});
