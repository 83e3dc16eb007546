import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { openBytes } from "../open-bytes.ts";
import { expectCode } from "../testing/contract-support.ts";
import { aBlob, anImage } from "../testing/index.ts";
import { createRegistry } from "./create-registry.ts";
import type { RemoteRegistryRepository } from "./http-registry.ts";
import { isPageForPeople } from "./page-for-people.ts";

const image = anImage({ tag: "v1" });
const blob = aBlob();
const { digest } = image.manifest.descriptor;

async function aSite() {
  const site = createServer((request, response) => {
    request.resume();
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<html>please log in</html>");
  });
  site.listen(0, "127.0.0.1");
  await once(site, "listening");
  const registry = createRegistry(`127.0.0.1:${(site.address() as AddressInfo).port}`, { retryDelayMs: 1 });
  return {
    repository: registry.repository("app"),
    async [Symbol.asyncDispose]() {
      await registry.close();
      site.close();
    },
  };
}

describe("a site that answers everything with a page", () => {
  test.for<[what: string, ask: (repository: RemoteRegistryRepository) => Promise<unknown>]>([
    ["has no tag", (repository) => repository.resolve("v1")],
    ["has no blob", (repository) => repository.statBlob(blob.digest)],
    ["takes no blob", (repository) => repository.pushBlob(blob, openBytes(blob.bytes))],
    ["takes no manifest", (repository) => repository.pushManifest(image.manifest, { tags: ["v1"] })],
    ["deletes no tag", (repository) => repository.deleteTag("v1")],
    ["deletes no manifest", (repository) => repository.deleteManifest(digest)],
    ["deletes no blob", (repository) => repository.deleteBlob(blob.digest)],
  ])("%s, and is no registry", async ([, ask]) => {
    await using site = await aSite();
    await expectCode(ask(site.repository), "PROTOCOL");
  });
});

test.for([
  { name: "an empty body", headers: { "content-type": "text/html; charset=utf-8", "content-length": "0" }, body: "" },
  { name: "a place", headers: { "content-type": "text/html", location: "/v2/app/manifests/v1" }, body: "Created" },
  { name: "no type", headers: {}, body: "Accepted" },
])("a registry may answer with $name", ({ headers, body }) => {
  const url = new URL("https://registry.example/v2/");
  const answer = { status: 201, headers, url, body: new TextEncoder().encode(body) };
  expect(isPageForPeople("PUT", answer)).toBe(false);
});
