import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
//#region fill
import { chooseNames, type DepsReport, ManifestDeps, readManifestJson } from "@tranship/core/deps";
import { createFileClient, createRegistries, digestOf, dockerCredentials } from "@tranship/registry";

/** Fills a cache with what a manifest asks for on one architecture. Killed? Call it again: it goes on where it stopped. */
export async function fillCache(
  file: string,
  cacheDir: string,
  arch: string,
  signal: AbortSignal,
): Promise<DepsReport> {
  await using files = createFileClient(); // proxies, certificates, credentials, limits: its options
  await using registries = createRegistries({ credentials: dockerCredentials() });
  const bytes = await readFile(file);
  const deps = new ManifestDeps({
    cacheDir,
    access: { files, registry: registries.of },
    source: { value: readManifestJson(bytes), digest: digestOf(bytes), localFolder: dirname(file) },
    selection: { arch: chooseNames(arch) }, // on an axis of which nothing is said, everything
  });
  const { missing, missingBytes, present } = await deps.plan({ signal }); // asks nobody and writes nothing
  console.log(`${missing} to fetch (${missingBytes} bytes), ${present} there`);
  const { report } = await deps.download({
    signal,
    onEvent: (event) => {
      if (event.type === "done") console.log(`${event.name}: ${event.total} bytes`);
      if (event.type === "failed") console.error(`${event.name}: ${event.error.code}, ${event.error.message}`);
    },
  });
  return report;
}
//#endregion

// Run as a script, it does so with a web server, a registry and a cache that go when it ends.
const { isDepsError } = await import("@tranship/core/deps");
const { anImage, startFileServer } = await import("@tranship/registry/testing");
const { onThisMachine } = await import("./support/on-this-machine.ts");

await onThisMachine(async ({ source, folder }) => {
  await using server = await startFileServer();
  const runc = Buffer.alloc(500_000, "runc for amd64");
  const image = anImage({ tag: "v1", files: { "etc/name": "load balancer" }, size: 200_000 });
  source.seed("acme/lb", image);
  const manifest = {
    tranship: "deps/v1",
    name: "platform",
    version: "1.8.0",
    items: [
      {
        id: "runc",
        version: "1.4.2",
        url: server.put("/runc/v1.4.2/runc.amd64", runc),
        digest: digestOf(runc),
        size: runc.length,
        for: { arch: "amd64" },
        to: "bin/runc",
      },
      { id: "load-balancer", image: `${source.host}/acme/lb:v1@${image.manifest.descriptor.digest}` },
      { id: "motd", inline: "welcome\n", to: "etc/motd" },
    ],
  };
  const file = join(folder, "deps.json");
  await writeFile(file, JSON.stringify(manifest));
  const cache = join(folder, "cache");
  const signal = AbortSignal.timeout(30_000);
  const fill = (cacheDir: string, arch: string) => fillCache(file, cacheDir, arch, signal);

  assert.equal((await fill(cache, "amd64")).done, 3);
  assert.deepEqual(await readFile(join(cache, "files/bin/runc")), runc);

  const asked = server.requests().length + source.requests().length;
  const { cached, done } = await fill(cache, "amd64");
  assert.deepEqual([cached, done], [3, 0]);
  assert.equal(server.requests().length + source.requests().length, asked); // what is there is not asked for again
  assert.equal((await fill(join(folder, "arm64"), "arm64")).done, 2); // without runc, which is for amd64

  // A server that sends other bytes than the manifest says: nothing wrong is ever in a cache.
  server.put("/runc/v1.4.2/runc.amd64", Buffer.alloc(500_000, "something else"));
  await assert.rejects(
    fill(join(folder, "other"), "amd64"),
    (error) => isDepsError(error, "DIGEST_MISMATCH") && error.details.item === "runc",
  );
});
