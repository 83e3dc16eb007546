import { describe, expect, test } from "vitest";
import { manifestOf } from "../oci/manifest.ts";
import { MediaType } from "../oci/media-type.ts";
import { referrersTag } from "../oci/reference.ts";
import { expectCode, listOf, openerOf } from "../testing/contract-support.ts";
import { faultOf } from "../testing/fault.ts";
import { anArtifact, anImage, anIndex, faults, partsOf, type Seedable, startTestRegistry } from "../testing/index.ts";
import { createClient } from "./create-client.ts";
import { RemoteRepository } from "./remote-repository.ts";

const image = anImage({ tag: "v1" });
const subject = image.manifest.descriptor.digest;
const tag = referrersTag(subject);
const signature = anArtifact({ subject: image, artifactType: "application/x.signature", annotations: { by: "us" } });
const report = anArtifact({ subject: image, artifactType: "application/x.report" });
const listing = /GET .*\/referrers\//;
const fallback = new RegExp(` .*/manifests/${tag}$`);

async function aHome({ referrersApi = true }: { readonly referrersApi?: boolean } = {}) {
  const server = await startTestRegistry({ referrersApi });
  server.seed("app", image);
  const client = createClient(server.host, { retryDelayMs: 1 });
  const repository = new RemoteRepository(client, server.host, "", "app");
  return {
    server,
    client,
    repository,
    push: async (...things: readonly Seedable[]) => {
      for (const { blobs, manifests } of things.map(partsOf)) {
        for (const blob of blobs) await repository.pushBlob(blob, openerOf(blob.bytes).open);
        for (const { manifest, tags } of manifests) await repository.pushManifest(manifest, { tags });
      }
    },
    listed: async () => (await listOf(repository.referrers(subject))).map(({ digest }) => digest),
    asked: (pattern: RegExp) =>
      server.requests().filter(({ method, path }) => pattern.test(`${method} ${path}`)).length,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

const digestsOf = (...artifacts: readonly (typeof signature)[]) =>
  artifacts.map(({ manifest }) => manifest.descriptor.digest);

describe("referrers are read from the fallback tag when the registry answers", () => {
  test.for([
    { name: "a bare 404", fault: faults.status(404, { body: "404 page not found" }), asked: 1 },
    { name: "a 404 of the protocol", fault: faults.status(404), asked: 3 },
    { name: "405", fault: faults.status(405), asked: 1 },
    { name: "501", fault: faults.status(501), asked: 1 },
    { name: "a 400 that says unsupported", fault: unsupported(400), asked: 1 },
    { name: "a 406 that says unsupported", fault: unsupported(406), asked: 1 },
    { name: "a page for people", fault: faults.status(200, { body: "<html>hello</html>" }), asked: 6 },
    { name: "something else", fault: faults.status(200, { body: '{"errors":[]}' }), asked: 6 },
  ])("$name, and is asked $asked times of three", async ({ fault, asked }) => {
    await using home = await aHome();
    home.server.seed("app", anIndex({ tag, images: [signature, report] }));
    home.server.fail(fault, { match: listing });
    for (const _ of [1, 2, 3]) expect(await home.listed()).toEqual(digestsOf(signature, report));
    expect(home.asked(listing)).toBe(asked);
  });

  test("404, but not when it is the repository that is not there", async () => {
    await using home = await aHome();
    home.server.seed("app", signature);
    const elsewhere = new RemoteRepository(home.client, home.server.host, "", "nowhere");
    home.server.failOnce(faults.status(404, { body: "<html>not found</html>" }), listing);
    home.server.failOnce(faults.status(404, { body: "<html>not found</html>" }), fallback);
    expect(await listOf(elsewhere.referrers(subject))).toEqual([]);
    expect(await home.listed()).toEqual(digestsOf(signature)); // the host has the API all the same
  });

  test("once each, though pages overlap", async () => {
    await using home = await aHome();
    await home.push(signature, report);
    const [first, second] = [signature, report].map(({ manifest }) => manifest.descriptor);
    const page = (...manifests: readonly unknown[]) =>
      JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests });
    const headers = { link: `</v2/app/referrers/${subject}?page=2>; rel="next"` };
    home.server.failOnce(faults.status(200, { body: page(first), headers }), listing);
    home.server.failOnce(faults.status(200, { body: page(first, second, second) }), listing);
    expect(await home.listed()).toEqual(digestsOf(signature, report));
  });

  test("404 in the middle of the list: that is an error", async () => {
    await using home = await aHome();
    const body = JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [] });
    const link = `</v2/app/referrers/${subject}?page=2>; rel="next"`;
    home.server.failOnce(faults.status(200, { body, headers: { link } }), listing);
    home.server.fail(faults.status(404), { match: listing });
    await expectCode(home.listed(), "NOT_FOUND");
  });
});

describe("a page for people in place of a list", () => {
  const page = faults.status(200, { body: "<html>sign in</html>", headers: { "content-type": "text/html" } });

  test("that comes once is no word about the API", async () => {
    await using home = await aHome();
    home.server.seed("app", signature);
    home.server.failOnce(page, listing);
    expect(await home.listed()).toEqual(digestsOf(signature));
  });

  test("is an error where the registry has given lists, and never an empty list", async () => {
    await using home = await aHome();
    home.server.seed("app", signature);
    expect(await home.listed()).toEqual(digestsOf(signature));
    home.server.fail(page, { match: listing });
    await expectCode(home.listed(), "PROTOCOL");
  });
});

describe("a registry without the API is not asked in vain", () => {
  const others = ["one", "two", "three"].map((seed) => anImage({ seed }).manifest.descriptor.digest);

  test("by many at once: whoever comes meanwhile waits for the first", async () => {
    await using home = await aHome({ referrersApi: false });
    await Promise.all([subject, ...others].map((digest) => listOf(home.repository.referrers(digest))));
    expect(home.asked(listing)).toBe(1);
  });

  test("for a list that the caller looks after", async () => {
    await using home = await aHome({ referrersApi: false });
    for (const digest of others) await listOf(home.repository.referrers(digest, { readsFallbackTag: false }));
    expect(home.server.requests()).toHaveLength(1);
  });

  test("and the second goes ahead where the first got no answer", async () => {
    await using home = await aHome();
    home.server.seed("app", signature);
    home.server.failOnce(faults.status(403), listing);
    const [first, second] = await Promise.allSettled([home.listed(), home.listed()]);
    expect(first).toMatchObject({ status: "rejected", reason: { code: "FORBIDDEN" } });
    expect(second).toEqual({ status: "fulfilled", value: digestsOf(signature) });
  });
});

describe("pushing what refers to a manifest", () => {
  test("writes no list where the registry keeps its own", async () => {
    await using home = await aHome();
    await home.push(signature);
    expect(home.asked(fallback)).toBe(0);
    expect(await home.listed()).toEqual(digestsOf(signature));
  });

  test("lists it under the fallback tag, once, with its type and annotations", async () => {
    await using home = await aHome({ referrersApi: false });
    await home.push(signature, signature, report);
    const list = JSON.parse(new TextDecoder().decode((await home.repository.manifest(tag)).bytes));
    expect(list).toEqual({
      schemaVersion: 2,
      mediaType: MediaType.ociIndex,
      manifests: [
        { ...signature.manifest.descriptor, artifactType: "application/x.signature", annotations: { by: "us" } },
        { ...report.manifest.descriptor, artifactType: "application/x.report" },
      ],
    });
    expect(await home.listed()).toEqual(digestsOf(signature, report));
  });

  test("names an image's type by its config", async () => {
    await using home = await aHome({ referrersApi: false });
    await home.push(anImage({ subject: image, seed: "about" }));
    expect(await listOf(home.repository.referrers(subject))).toMatchObject([{ artifactType: MediaType.ociConfig }]);
  });

  test("keeps what others have written, fields nobody knows included", async () => {
    await using home = await aHome({ referrersApi: false });
    const foreign = { ...report.manifest.descriptor, "x-field": { deep: [1] } };
    const text = JSON.stringify({
      schemaVersion: 2,
      "x-top": true,
      mediaType: MediaType.ociIndex,
      manifests: [foreign],
    });
    await home.push(report);
    await home.repository.pushManifest(manifestOf(new TextEncoder().encode(text), MediaType.ociIndex), { tags: [tag] });
    await home.push(signature);
    const list = JSON.parse(new TextDecoder().decode((await home.repository.manifest(tag)).bytes));
    expect(list).toMatchObject({ "x-top": true, manifests: [foreign, { digest: digestsOf(signature)[0] }] });
    expect(Object.keys(list)).toEqual(["schemaVersion", "x-top", "mediaType", "manifests"]);
  });

  test("loses none of many that are pushed at once", async () => {
    await using home = await aHome({ referrersApi: false });
    const many = Array.from({ length: 8 }, (_, n) =>
      anArtifact({ subject: image, artifactType: `application/x.${n}` }),
    );
    await Promise.all(many.map((artifact) => home.push(artifact)));
    expect((await home.listed()).sort()).toEqual(digestsOf(...many).sort());
  });

  test.for([409, 412])("reads the list again after a %s", async (status) => {
    await using home = await aHome({ referrersApi: false });
    home.server.fail(faults.status(status), { times: 2, match: new RegExp(`PUT${fallback.source}`) });
    await home.push(signature);
    expect(await home.listed()).toEqual(digestsOf(signature));
    expect(home.asked(new RegExp(`PUT${fallback.source}`))).toBe(3);
  });

  test("makes no condition of a weak ETag, which would match nothing", async () => {
    await using home = await aHome({ referrersApi: false });
    await home.push(signature);
    const weaken = faultOf(() => ({
      head: ({ status, headers }) => ({ status, headers: { ...headers, etag: `W/${headers.etag}` } }),
    }));
    home.server.reset();
    home.server.fail(weaken, { match: new RegExp(`GET${fallback.source}`) });
    await home.push(report);
    expect(await home.listed()).toEqual(digestsOf(signature, report));
    expect(home.asked(new RegExp(`PUT${fallback.source}`))).toBe(1);
  });

  test("writes again when somebody else wrote over it, and gives up in the end", async () => {
    await using home = await aHome({ referrersApi: false });
    home.server.fail(faults.status(201), { times: 2, match: new RegExp(`PUT${fallback.source}`) }); // and nothing is kept
    await home.push(signature);
    expect(await home.listed()).toEqual(digestsOf(signature));
    home.server.fail(faults.status(412), { match: new RegExp(`PUT${fallback.source}`) });
    await expectCode(home.push(report), "UNEXPECTED_STATUS");
    expect(home.asked(new RegExp(`PUT${fallback.source}`))).toBeLessThan(20);
  });

  test.for([
    { times: 2, outcome: "and is added to" },
    { times: 3, outcome: "and given up" },
  ])("a list that comes damaged $times times is read again, $outcome", async ({ times }) => {
    await using home = await aHome({ referrersApi: false });
    await home.push(report);
    const read = new RegExp(`GET${fallback.source}`);
    home.server.fail(faults.corrupt(), { match: read, times });
    if (times > 2) await expectCode(home.push(signature), "DIGEST_MISMATCH");
    else await home.push(signature);
    home.server.reset();
    expect(await home.listed()).toEqual(times > 2 ? digestsOf(report) : digestsOf(report, signature));
  });

  test("writes a list again that arrived damaged, as it was meant", async () => {
    await using home = await aHome({ referrersApi: false });
    await home.push(signature);
    const damaged = textOf(await home.repository.manifest(tag)).replace('"by":"us"', '"by":"uz"');
    home.server.failOnce(arrivingAs(home, damaged), new RegExp(`PUT${fallback.source}`));
    await home.push(report);
    const list = JSON.parse(textOf(await home.repository.manifest(tag)));
    expect(list.manifests).toMatchObject([{ annotations: { by: "us" } }, { digest: digestsOf(report)[0] }]);
  });

  test("a list that always arrives damaged is an error, and the next push puts it right", async () => {
    await using home = await aHome({ referrersApi: false });
    const list = new RegExp(`PUT${fallback.source}`);
    const entry = (digest: string) => ({
      ...signature.manifest.descriptor,
      artifactType: "application/x.signature",
      digest,
    });
    const wrong = [
      { ...entry(digestsOf(report)[0] ?? ""), annotations: { by: "us" } },
      { ...entry(`sha256:${"0".repeat(64)}`), annotations: { by: "us" } },
    ];
    const text = JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: wrong });
    home.server.seed("app", report); // one that is there stays
    home.server.fail(arrivingAs(home, text), { match: list });
    await expectCode(home.push(signature), "DIGEST_MISMATCH");
    expect(home.asked(list)).toBe(3);
    home.server.reset();
    await home.push(signature);
    expect(await home.listed()).toEqual(digestsOf(report, signature));
  });

  test("an entry that has another size is put right, with what others say in it", async () => {
    await using home = await aHome({ referrersApi: false });
    const entry = { ...signature.manifest.descriptor, size: 1, "x-field": 1 };
    const text = JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [entry] });
    await home.push(signature);
    await home.repository.pushManifest(manifestOf(new TextEncoder().encode(text), MediaType.ociIndex), { tags: [tag] });
    await home.push(signature);
    const { size } = signature.manifest.descriptor;
    expect(JSON.parse(textOf(await home.repository.manifest(tag))).manifests).toMatchObject([{ size, "x-field": 1 }]);
  });

  test.for([{ says: true }, { says: false }])(
    "does not write over a tag that names something else",
    async ({ says }) => {
      await using home = await aHome({ referrersApi: false });
      const mine = anImage({ tag, seed: "mine" });
      home.server.seed("app", mine);
      if (!says) {
        const body = textOf(mine.manifest).replace(/"mediaType":"[^"]*",/, "");
        const headers = { "content-type": MediaType.ociManifest };
        home.server.fail(faults.status(200, { body, headers }), { match: new RegExp(`GET${fallback.source}`) });
      }
      await expect(home.push(signature)).rejects.toMatchObject({
        code: "INVALID_MANIFEST",
        message: expect.stringContaining(tag),
      });
      expect((await home.repository.resolve(tag))?.mediaType).toBe(MediaType.ociManifest);
    },
  );

  test("ends at once when it is aborted while it waits for its turn", async () => {
    await using home = await aHome({ referrersApi: false });
    const controller = new AbortController();
    home.server.fail(
      faultOf(() => ({ before: async () => void controller.abort("enough") })),
      { times: 1, match: fallback },
    );
    await home.push(...signature.blobs, ...report.blobs);
    const first = home.repository.pushManifest(signature.manifest);
    const second = home.repository.pushManifest(report.manifest, { signal: controller.signal });
    await expect(second).rejects.toBe("enough");
    await first;
    expect(await home.listed()).toEqual(digestsOf(signature));
  });
});

describe("deleting what refers to a manifest", () => {
  test("takes it out of the fallback tag's list", async () => {
    await using home = await aHome({ referrersApi: false });
    await home.push(signature, report);
    expect(await home.repository.deleteManifest(signature.manifest.descriptor.digest)).toBe(true);
    expect(await home.listed()).toEqual(digestsOf(report));
    expect(await home.repository.deleteManifest(report.manifest.descriptor.digest)).toBe(true);
    expect(await home.listed()).toEqual([]);
  });

  test("makes no list where there is none", async () => {
    await using home = await aHome({ referrersApi: false });
    home.server.seed("app", signature);
    expect(await home.repository.deleteManifest(signature.manifest.descriptor.digest)).toBe(true);
    expect(home.asked(new RegExp(`PUT${fallback.source}`))).toBe(0);
  });

  test("looks at no fallback tag where the registry keeps the list", async () => {
    await using home = await aHome();
    await home.push(signature);
    expect(await home.repository.deleteManifest(signature.manifest.descriptor.digest)).toBe(true);
    expect(await home.listed()).toEqual([]);
    expect(home.asked(fallback)).toBe(0);
  });
});

const textOf = ({ bytes }: { readonly bytes: Uint8Array }): string => new TextDecoder().decode(bytes);

/** What is put arrives as `text`: the registry keeps that, and says so. */
function arrivingAs({ server }: Awaited<ReturnType<typeof aHome>>, text: string) {
  const manifest = manifestOf(new TextEncoder().encode(text), MediaType.ociIndex);
  const keep = async () => void server.seed("app", { images: [], manifest, tags: [tag] });
  const headers = { "docker-content-digest": manifest.descriptor.digest };
  return faultOf(() => ({ before: keep, answer: { status: 201, headers, body: "" } }));
}

function unsupported(status: number) {
  return faults.status(status, { body: JSON.stringify({ errors: [{ code: "UNSUPPORTED" }] }) });
}

test("a list that arrives damaged is an error, not a registry without referrers", async () => {
  await using home = await aHome();
  home.server.seed("app", signature);
  home.server.failOnce(faults.corrupt(), listing);
  await expectCode(home.listed(), "INVALID_MANIFEST");
  expect(home.asked(fallback)).toBe(0);
  expect(await home.listed()).toEqual(digestsOf(signature));
});

test.for([{ referrersApi: true }, { referrersApi: false }])(
  "a list that cannot be read is told by the name of what it is about (referrers API: $referrersApi)",
  async ({ referrersApi }) => {
    await using home = await aHome({ referrersApi });
    const body = JSON.stringify({ schemaVersion: 2, manifests: [{ digest: "sha1:x" }] });
    const fault = faults.status(200, { body, headers: { "content-type": MediaType.ociIndex } });
    home.server.fail(fault, { match: referrersApi ? listing : fallback });
    await expect(home.listed()).rejects.toMatchObject({
      code: "INVALID_MANIFEST",
      message: expect.stringContaining(`cannot list referrers of ${home.server.host}/app@${subject}: the list`),
      details: { reference: `${home.server.host}/app@${subject}` },
    });
  },
);
