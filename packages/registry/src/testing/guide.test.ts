// The code of docs/guides/testing.md: it is shown there line for line, and runs here.
import { expect, test } from "vitest";
import { createFileClient } from "../files/file-client.ts";
import { MemoryRegistry } from "../memory/memory-registry.ts";
import { createRegistry } from "../remote/create-registry.ts";
import { describeDeleterContract, describeReaderContract, describeWriterContract } from "./contract.ts";
import {
  aBlob,
  aLayer,
  anArtifact,
  anImage,
  anIndex,
  faults,
  seedMemory,
  startFileServer,
  startTestRegistry,
} from "./index.ts";

//#region first
test("a client reads what it should", async () => {
  await using registry = await startTestRegistry();
  const image = anImage({ tag: "v1", files: { "version.json": '{"version":"v1"}' } });
  registry.seed("demo/app", image);

  await using remote = createRegistry(registry.host);
  const manifest = await remote.repository("demo/app").manifest("v1");

  expect(manifest.descriptor.digest).toBe(image.manifest.descriptor.digest);
  expect(registry.requests()).toMatchObject([{ method: "GET", path: "/v2/demo/app/manifests/v1", status: 200 }]);
});
//#endregion

test("builders make what can be seeded", async () => {
  await using registry = await startTestRegistry();
  //#region builders
  const blob = aBlob({ size: 4096, seed: "mine" }); // the same bytes on every run
  const layer = aLayer({ files: { "usr/bin/app": "…" }, size: 100_000 }); // a real tar, gzipped
  const amd64 = anImage({ layers: [layer] });
  const arm64 = anImage({ layers: [layer], platform: { architecture: "arm64", os: "linux" } });
  const index = anIndex({ tag: "v1", images: [amd64, arm64] });
  const signature = anArtifact({ subject: index, artifactType: "application/vnd.example.signature" });
  registry.seed("demo/app", blob, index, signature); // each with all it needs
  //#endregion
  const referrers = await fetch(`${registry.url}/v2/demo/app/referrers/${index.manifest.descriptor.digest}`);
  expect(await referrers.json()).toMatchObject({ manifests: [{ digest: signature.manifest.descriptor.digest }] });
});

//#region faults
test("a client goes on where the connection broke", async () => {
  await using registry = await startTestRegistry();
  const blob = aBlob({ size: 4096 });
  registry.seed("demo/app", blob);
  registry.failOnce(faults.cutAfter(1000)); // the next request for a blob or manifest
  registry.fail(faults.status(503), { match: /^GET .*\/tags\/list$/ }); // every list of tags from now on

  await using remote = createRegistry(registry.host, { retryDelayMs: 1 });
  const chunks: Uint8Array[] = [];
  for await (const chunk of remote.repository("demo/app").fetchBlob(blob)) chunks.push(chunk);

  expect(new Uint8Array(Buffer.concat(chunks))).toEqual(blob.bytes);
  expect(registry.requests().map(({ range }) => range)).toEqual([undefined, "bytes=1000-4095"]);
});
//#endregion

test("a registry that wants tokens", async () => {
  const image = anImage({ tag: "v1" });
  //#region auth
  const credentials = { username: "ann", password: "s3cret" };
  await using registry = await startTestRegistry({
    auth: { scheme: "bearer", credentials, anonymous: "pull", tokenSeconds: 60 },
  });
  registry.seed("demo/app", image);

  const refused = await fetch(`${registry.url}/v2/demo/app/manifests/v1`, { method: "DELETE" });
  expect(refused.headers.get("www-authenticate")).toBe(
    `Bearer realm="${registry.url}/token",service="${registry.host}",scope="repository:demo/app:delete"`,
  );
  //#endregion
});

//#region files
test("a download tells what the server said", async () => {
  await using server = await startFileServer();
  const url = server.redirect("/latest", server.put("/tool-1.2", "some bytes", { etag: '"1.2"' }));
  server.failOnce(faults.status(503, { headers: { "retry-after": "7" } }), "/tool-1.2");

  await using files = createFileClient();
  await expect(files.fetch(url)).rejects.toMatchObject({ code: "SERVER_ERROR", details: { retryAfterMs: 7000 } });
  const file = await files.fetch(url, { ifNoneMatch: '"1.2"' });

  expect(file).toMatchObject({ outcome: "unchanged", url: server.url("/tool-1.2") });
  expect(server.requests().map(({ path, status }) => [path, status])).toEqual([
    ["/latest", 302],
    ["/tool-1.2", 503],
    ["/latest", 302],
    ["/tool-1.2", 304],
  ]);
});
//#endregion

//#region contract
async function aHome() {
  const registry = new MemoryRegistry(); // yours in its place
  return {
    registry,
    seed: (path: string, ...things: Parameters<typeof seedMemory>[2]) => seedMemory(registry, path, things),
    async [Symbol.asyncDispose]() {
      // close files and connections here
    },
  };
}

describeReaderContract("my registry", aHome);
describeWriterContract("my registry", aHome, { without: ["sha512"] });
describeDeleterContract("my registry", aHome);
//#endregion
