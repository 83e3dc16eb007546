import { describe, expect, test } from "vitest";
import { aBlob, anImage, startTestRegistry, type TestRegistry } from "../testing/index.ts";

const [one, two] = [anImage({ tag: "v1", seed: "one" }), anImage({ seed: "two" })];
const etag = (image: typeof one) => `"${image.manifest.descriptor.digest}"`;

function putTo(registry: TestRegistry, tag: string, headers: Record<string, string>, image = two): Promise<Response> {
  const { descriptor, bytes } = image.manifest;
  const url = `${registry.url}/v2/app/manifests/${tag}`;
  return fetch(url, {
    method: "PUT",
    headers: { "content-type": descriptor.mediaType, ...headers },
    body: new Uint8Array(bytes),
  });
}

describe("a push on a condition", () => {
  test.for([
    { name: "what is there is what was seen", tag: "v1", headers: { "if-match": etag(one) }, status: 201 },
    { name: "one of those seen is there", tag: "v1", headers: { "if-match": `"x", ${etag(one)}` }, status: 201 },
    { name: "anything is there", tag: "v1", headers: { "if-match": "*" }, status: 201 },
    { name: "nothing is there", tag: "v2", headers: { "if-none-match": "*" }, status: 201 },
    { name: "something else is there", tag: "v1", headers: { "if-none-match": etag(two) }, status: 201 },
    { name: "it changed", tag: "v1", headers: { "if-match": etag(two) }, status: 412 },
    { name: "it was seen weakly", tag: "v1", headers: { "if-match": `W/${etag(one)}` }, status: 412 },
    { name: "it is gone", tag: "v2", headers: { "if-match": etag(one) }, status: 412 },
    { name: "nothing is there to match", tag: "v2", headers: { "if-match": "*" }, status: 412 },
    { name: "something is there", tag: "v1", headers: { "if-none-match": "*" }, status: 412 },
    { name: "that very thing is there", tag: "v1", headers: { "if-none-match": etag(one) }, status: 412 },
    { name: "that very thing was seen weakly", tag: "v1", headers: { "if-none-match": `W/${etag(one)}` }, status: 412 },
  ])("is answered with $status when $name", async ({ tag, headers, status }) => {
    await using registry = await startTestRegistry();
    registry.seed("app", one);
    const answer = await putTo(registry, tag, headers as Record<string, string>);
    expect(answer.status).toBe(status);
    const now = await registry.registry.repository("app").resolve(tag);
    const before = tag === "v1" ? one.manifest.descriptor : undefined;
    expect(now).toEqual(status === 201 ? two.manifest.descriptor : before);
  });

  test("names what is there as a read does", async () => {
    await using registry = await startTestRegistry();
    const pushed = await putTo(registry, "v1", {});
    const read = await fetch(`${registry.url}/v2/app/manifests/v1`, { method: "HEAD" });
    expect([pushed.headers.get("etag"), read.headers.get("etag")]).toEqual([etag(two), etag(two)]);
  });

  test("is won by one of many", async () => {
    await using registry = await startTestRegistry();
    const images = Array.from({ length: 8 }, (_, at) => anImage({ seed: at }));
    const answers = await Promise.all(images.map((image) => putTo(registry, "v1", { "if-none-match": "*" }, image)));
    const winners = images.filter((_, at) => answers[at]?.status === 201);
    expect(answers.map(({ status }) => status).sort()).toEqual([201, ...Array.from({ length: 7 }, () => 412)]);
    const now = await registry.registry.repository("app").resolve("v1");
    expect(now).toEqual(winners[0]?.manifest.descriptor);
  });
});

const blob = aBlob({ size: 1000 });
const blobTag = `"${blob.digest}"`;
const paths = ["app/manifests/v1", `app/manifests/${one.manifest.descriptor.digest}`, `app/blobs/${blob.digest}`];
const tagOf = (path: string) => (path.includes("blobs") ? blobTag : etag(one));

describe.for(paths)("on a condition, a request for %s", (path) => {
  async function ask(method: string, headers: Record<string, string>) {
    const registry = await startTestRegistry();
    registry.seed("app", one, blob);
    const url = `${registry.url}/v2/${path}`;
    const answer = await fetch(url, { method, headers });
    const after = await fetch(url, { method: "HEAD" });
    await registry[Symbol.asyncDispose]();
    return { answer, isThere: after.status === 200 };
  }

  test.for(["GET", "HEAD"])("is answered to %s with no bytes where they are known", async (method) => {
    for (const known of [tagOf(path), `W/${tagOf(path)}`, `"x", ${tagOf(path)}`, "*"]) {
      const { answer } = await ask(method, { "if-none-match": known });
      expect([answer.status, answer.headers.get("etag"), await answer.text()]).toEqual([304, tagOf(path), ""]);
    }
    expect((await ask(method, { "if-none-match": '"x"' })).answer.status).toBe(200);
  });

  test.for(["GET", "HEAD", "DELETE"])("is refused to %s where something else is there", async (method) => {
    const { answer, isThere } = await ask(method, { "if-match": '"x"' });
    expect([answer.status, isThere]).toEqual([412, true]);
  });

  test.for([
    { method: "GET", status: 200 },
    { method: "DELETE", status: 202 },
  ])("is answered to $method with $status where it holds", async ({ method, status }) => {
    expect((await ask(method, { "if-match": tagOf(path) })).answer.status).toBe(status);
  });

  test("is refused to DELETE where nothing may be there", async () => {
    const { answer, isThere } = await ask("DELETE", { "if-none-match": "*" });
    expect([answer.status, isThere]).toEqual([412, true]);
  });
});

test.for([
  { of: "the same blob", ifRange: blobTag, status: 206 },
  { of: "another", ifRange: '"x"', status: 200 },
  { of: "the same, seen weakly", ifRange: `W/${blobTag}`, status: 200 },
  { of: "some day", ifRange: "Wed, 21 Oct 2015 07:28:00 GMT", status: 200 },
])("a range that goes on with $of is answered with $status", async ({ ifRange, status }) => {
  await using registry = await startTestRegistry();
  registry.seed("app", blob);
  const headers = { range: "bytes=900-", "if-range": ifRange };
  const answer = await fetch(`${registry.url}/v2/app/blobs/${blob.digest}`, { headers });
  expect([answer.status, (await answer.bytes()).byteLength]).toEqual([status, status === 206 ? 100 : 1000]);
});
