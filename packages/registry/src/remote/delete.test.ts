import { describe, expect, test } from "vitest";
import { defaultMaxManifestBytes } from "../oci/manifest.ts";
import { MediaType } from "../oci/media-type.ts";
import { expectCode } from "../testing/contract-support.ts";
import { aBlob, anImage, faults, startTestRegistry } from "../testing/index.ts";
import { createClient } from "./create-client.ts";
import { RemoteRepository } from "./remote-repository.ts";

const image = anImage({ tags: ["v1", "v2"] });
const blob = aBlob();
const { digest } = image.manifest.descriptor;

async function aHome() {
  const server = await startTestRegistry();
  server.seed("app", image, blob);
  const client = createClient(server.host, { retryDelayMs: 1 });
  return {
    server,
    repository: new RemoteRepository(client, server.host, "", "app"),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

type Home = Awaited<ReturnType<typeof aHome>>;

const deeds = [
  { name: "a tag", deed: ({ repository }: Home) => repository.deleteTag("v1") },
  { name: "a manifest", deed: ({ repository }: Home) => repository.deleteManifest(digest) },
  { name: "a blob", deed: ({ repository }: Home) => repository.deleteBlob(blob.digest) },
];

describe.for(deeds)("deleting $name", ({ deed }) => {
  test("says whether it was there", async () => {
    await using home = await aHome();
    expect(await deed(home)).toBe(true);
    expect(await deed(home)).toBe(false);
  });

  test.for([200, 202, 204])("takes a %s for done", async (status) => {
    await using home = await aHome();
    home.server.fail(faults.status(status), { match: /^DELETE/ });
    expect(await deed(home)).toBe(true);
  });

  test("counts what is gone after a lost answer as deleted", async () => {
    await using home = await aHome();
    home.server.failOnce(faults.status(502), /^DELETE/);
    home.server.failOnce(faults.status(404), /^DELETE/);
    expect(await deed(home)).toBe(true);
  });

  test("was not there when it is missing after a 429", async () => {
    await using home = await aHome();
    home.server.failOnce(faults.status(429), /^DELETE/);
    home.server.failOnce(faults.status(404), /^DELETE/);
    expect(await deed(home)).toBe(false);
  });

  test.for([
    { status: 405, code: "DENIED" },
    { status: 400, code: "UNSUPPORTED" },
  ])("is unsupported where the registry says $status $code, in its own words", async ({ status, code }) => {
    await using home = await aHome();
    const body = JSON.stringify({ errors: [{ code, message: "deletes are switched off" }] });
    home.server.fail(faults.status(status, { body }), { match: /^DELETE/ });
    await expect(deed(home)).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.stringContaining("deletes are switched off"),
    });
    expect(home.server.requests().filter(({ method }) => method === "DELETE")).toHaveLength(1);
  });

  test.for([
    { status: 403, code: "FORBIDDEN" },
    { status: 400, code: "UNEXPECTED_STATUS" },
  ])("is an error like any other when the registry says $status", async ({ status, code }) => {
    await using home = await aHome();
    home.server.fail(faults.status(status), { match: /^DELETE/ });
    await expect(deed(home)).rejects.toMatchObject({ code });
  });
});

test("a tag that goes leaves its manifest and the other tags", async () => {
  await using home = await aHome();
  await home.repository.deleteTag("v1");
  expect(await home.repository.resolve("v1")).toBeUndefined();
  expect((await home.repository.resolve("v2"))?.digest).toBe(digest);
});

test.for([
  { name: "whose bytes make no sense", type: "text/html", body: "<html>" },
  { name: "whose bytes are not its digest's", type: MediaType.ociManifest, body: "{}" },
  { name: "of a type that nobody reads any more", type: "application/vnd.docker.distribution.manifest.v1+json" },
  { name: "that is larger than any", type: MediaType.ociManifest, body: " ".repeat(defaultMaxManifestBytes + 1) },
])("a manifest $name can be deleted all the same", async ({ type, body = "{}" }) => {
  await using home = await aHome();
  home.server.fail(faults.status(200, { body, headers: { "content-type": type } }), { match: /^GET/ });
  expect(await home.repository.deleteManifest(digest)).toBe(true);
  expect(await home.repository.resolve("v1")).toBeUndefined();
});

test("a manifest that cannot be read just now is not deleted: it may refer to another", async () => {
  await using home = await aHome();
  home.server.fail(faults.status(500), { match: /^GET/ });
  await expectCode(home.repository.deleteManifest(digest), "SERVER_ERROR");
  expect((await home.repository.resolve("v1"))?.digest).toBe(digest);
});
