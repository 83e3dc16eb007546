import { describe, expect, test } from "vitest";
import type { RegistryEvent } from "../events.ts";
import { bytesOf, expectCode, listOf, push } from "../testing/contract-support.ts";
import { faultOf } from "../testing/fault.ts";
import { anArtifact, anImage, faults, startTestRegistry, type TestRegistryOptions } from "../testing/index.ts";
import { createRegistry } from "./create-registry.ts";

const image = anImage({ tag: "v1" });
const signature = anArtifact({ subject: image, artifactType: "application/x.signature" });

async function aHome(options: TestRegistryOptions = {}) {
  const server = await startTestRegistry(options);
  const events: RegistryEvent[] = [];
  const registry = createRegistry(server.host, { retryDelayMs: 1, onEvent: (event) => events.push(event) });
  return {
    server,
    events,
    repository: registry.repository("app"),
    said: () => server.requests().map(({ method, path, status }) => `${method} ${path} ${status}`),
    async [Symbol.asyncDispose]() {
      await registry.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Everything one does with a registry, from the first push to the last delete. */
async function wholeStory({ repository }: Awaited<ReturnType<typeof aHome>>) {
  const { digest } = image.manifest.descriptor;
  await push(repository, image);
  await push(repository, signature);
  const resolved = await repository.resolve("v1");
  const { bytes } = await repository.manifest("v1");
  const blob = await bytesOf(repository.fetchBlob(image.config));
  const tags = await listOf(repository.tags());
  const referrers = (await listOf(repository.referrers(digest))).map((found) => found.digest);
  const deleted = [await repository.deleteTag("v1"), await repository.deleteManifest(digest)];
  return { resolved, bytes, blob, tags, referrers, deleted, left: await repository.resolve(digest) };
}

/** An upload's place is a random one. */
const withoutIds = (lines: readonly string[]) => lines.map((line) => line.replace(/uploads\/\S+/, "uploads/ID"));

test.for([{ referrersApi: true }, { referrersApi: false }])(
  "a registry without any of Docker's headers is used like any other (referrers API: $referrersApi)",
  async ({ referrersApi }) => {
    await using home = await aHome({ referrersApi });
    const plain = faultOf(() => ({
      head: ({ status, headers }) => ({
        status,
        headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith("docker-"))),
      }),
    }));
    home.server.fail(plain, { match: () => true });
    const story = await wholeStory(home);
    expect(story).toMatchObject({ resolved: image.manifest.descriptor, tags: expect.arrayContaining(["v1"]) });
    expect(story.bytes).toEqual(image.manifest.bytes);
    expect(story.blob).toEqual(image.config.bytes);
    expect(story.referrers).toEqual([signature.manifest.descriptor.digest]);
    expect(story).toMatchObject({ deleted: [true, true], left: undefined });
  },
);

describe("codes from the time of schema 1", () => {
  test.for(["TAG_INVALID", "MANIFEST_UNVERIFIED"])("such as %s change nothing: the status decides", async (code) => {
    await using home = await aHome();
    home.server.seed("app", image);
    const body = JSON.stringify({ errors: [{ code, message: "of old" }] });
    home.server.fail(faults.status(404, { body }), { times: 2 });
    expect(await home.repository.resolve("v1")).toBeUndefined();
    await expectCode(home.repository.manifest("v1"), "NOT_FOUND");
    home.server.fail(faults.status(400, { body }));
    await expect(home.repository.manifest("v1")).rejects.toMatchObject({
      code: "UNEXPECTED_STATUS",
      details: { status: 400, errors: [{ code, message: "of old" }] },
    });
  });
});

test("warnings are told and change nothing that is done", async () => {
  await using quiet = await aHome();
  await using loud = await aHome();
  loud.server.fail(faults.warning("This registry is closing: use another one."), { match: () => true });
  expect(await wholeStory(loud)).toEqual(await wholeStory(quiet));
  expect(withoutIds(loud.said())).toEqual(withoutIds(quiet.said()));
  expect(quiet.events).toEqual([]);
  expect(loud.events.map(({ type }) => type)).toEqual(["registry.warned"]);
});
