import assert from "node:assert/strict";
import { createReadStream } from "node:fs";
import { mkdtemp, open, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates } from "node:tls";
import {
  type Blob,
  type ClientCertificate,
  type CredentialProvider,
  classifyFailure,
  createFileClient,
  createRegistry,
  type Digest,
  type FileFetcher,
  isRegistryError,
  type Manifest,
  type RegistryEvent,
  type RemoteRegistry,
  type RemoteRegistryRepository,
  withRetry,
} from "@tranship/registry";
import { anArtifact, anImage, faults, startFileServer, startTestRegistry } from "@tranship/registry/testing";

//#region patience
function patientRegistry(place: string, signIn: CredentialProvider): RemoteRegistry {
  return createRegistry(place, {
    credentials: signIn,
    limits: { meta: 8, down: 4, up: 2, requestsPerSecond: 50, bytesPerSecond: 20_000_000 },
    idleTimeoutMs: 30_000, // without a byte in either direction; a large blob may take hours
    attempts: 5,
    retryDelayMs: 250,
    throttleWaitMs: 60_000, // `Retry-After: 120` fails at once
    onEvent: (event) => console.error(describe(event)),
  });
}
//#endregion

//#region credentials
const robots = new Map([["team/app", { username: "robot-app", password: "s3cret" }]]);

const signIn: CredentialProvider = async ({ host, repository }, { signal }) => {
  if (host === "docker.io") return undefined; // as nobody
  signal?.throwIfAborted(); // the caller may have given up; pass it on to whatever looks them up
  return robots.get(repository ?? "") ?? { username: "robot", password: "s3cret" };
};
//#endregion

//#region network
function inOurNetwork(place: string, ca: string, clientCertificate?: ClientCertificate): RemoteRegistry {
  return createRegistry(place, {
    ca, // PEM, beside Node's own list and the system's
    clientCertificate, // { cert, key, passphrase? }, shown to this registry only
    proxy: "http://proxy.internal:3128",
    hosts: {
      "storage.internal": { proxy: false }, // where it keeps its blobs
      "auth.internal:8443": { clientCertificate }, // where it has its tokens from
    },
  });
}
//#endregion

//#region mirrors
function withMirrors(place: string, near: string, far: string): RemoteRegistry {
  return createRegistry(place, {
    mirrors: [{ place: near, tags: true }, far], // asked in this order, the registry itself last
    credentials: async ({ host }) => (host === place ? { username: "robot", password: "s3cret" } : undefined),
  });
}
//#endregion

function describe(event: RegistryEvent): string {
  switch (event.type) {
    case "request.retried":
      return `${event.reference}: ${event.code}, try ${event.attempt + 1} in ${event.delayMs} ms`;
    case "registry.slowed":
      return `${event.registry} asks for rest: ${event.delayMs} ms`;
    case "registry.warned":
      return `${event.registry} says: ${event.message}`;
    case "mirror.failed":
      return `${event.mirror} did not give ${event.reference}: ${event.code}`;
  }
}

//#region read
async function firstBytes(app: RemoteRegistryRepository, blob: Blob, length: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const signal = AbortSignal.timeout(10_000);
  for await (const part of app.fetchBlob(blob, { offset: 0, length, signal })) parts.push(part);
  return Buffer.concat(parts); // a part of a blob cannot be verified; a whole read is
}
//#endregion

//#region push
async function pushFile(app: RemoteRegistryRepository, blob: Blob, path: string): Promise<string> {
  const open = (offset: number) => createReadStream(path, { start: offset }); // asked again to go on after a break
  return await app.pushBlob(blob, open, { mountFrom: ["team/base"] }); // "present", "mounted" or "written"
}
//#endregion

async function attach(app: RemoteRegistryRepository, about: Digest, note: Manifest): Promise<readonly Digest[]> {
  await app.pushManifest(note); // its `subject` is `about`; its blobs are there
  return (await Array.fromAsync(app.referrers(about, { artifactType: "application/vnd.example.note" }))).map(
    ({ digest }) => digest,
  );
}

async function removeTag(app: RemoteRegistryRepository, tag: string): Promise<"gone" | "was not there" | "forbidden"> {
  try {
    return (await app.deleteTag(tag)) ? "gone" : "was not there";
  } catch (error) {
    if (isRegistryError(error, "UNSUPPORTED")) return "forbidden"; // deletes, or those of tags, are switched off
    throw error;
  }
}

//#region errors
async function digestOfTag(app: RemoteRegistryRepository, tag: string): Promise<Digest | string> {
  try {
    return (await app.manifest(tag)).descriptor.digest;
  } catch (error) {
    if (isRegistryError(error, "NOT_FOUND")) return "no such tag";
    if (isRegistryError(error, "RATE_LIMITED")) return `not before ${error.details.retryAfterMs ?? 0} ms`;
    if (classifyFailure(error) === "denied") return "not for us"; // 401, 403, or a certificate that is not trusted
    throw error;
  }
}
//#endregion

//#region files
async function download(files: FileFetcher, url: string, path: string, signal?: AbortSignal): Promise<void> {
  await using target = await open(path, "w");
  let size = 0;
  let version: string | undefined;
  const attempt = async () => {
    // without a version, nothing says that the rest would be of the same file
    const offset = version === undefined ? 0 : size;
    await using file = await files.fetch(url, { offset, ifRange: version, signal });
    if (file.outcome === "beyond") return; // it was all there
    if (file.outcome === "whole") size = 0; // another version, or a server that knows no ranges
    version = file.etag;
    for await (const chunk of file.body) {
      await target.write(chunk, 0, chunk.byteLength, size);
      size += chunk.byteLength;
    }
  };
  await withRetry(attempt, { delayMs: 100, progress: () => size, signal });
  await target.truncate(size);
}
//#endregion

const credentials = { username: "robot-app", password: "s3cret" };
await using server = await startTestRegistry({ credentials });
await using mirror = await startTestRegistry();
const image = anImage({ tag: "v1" });
const base = anImage({ tag: "v1", seed: "base" });
const note = anArtifact({ subject: image, artifactType: "application/vnd.example.note" });
server.seed("team/app", image, ...note.blobs);
server.seed("team/base", base);
mirror.seed("copy/team/app", image);
const folder = await mkdtemp(join(tmpdir(), "tranship-example-"));
try {
  await using registry = patientRegistry(server.host, signIn);
  const app = registry.repository("team/app");
  const [layer] = image.layers;
  const [other] = base.layers;
  assert(layer && other);
  assert.deepEqual(await firstBytes(app, layer, 100), Buffer.from(layer.bytes.subarray(0, 100)));
  await writeFile(join(folder, "layer"), layer.bytes);
  assert.equal(await pushFile(app, layer, join(folder, "layer")), "present");
  assert.deepEqual(await attach(app, image.manifest.descriptor.digest, note.manifest), [
    note.manifest.descriptor.digest,
  ]);
  assert.equal(await digestOfTag(app, "v1"), image.manifest.descriptor.digest);
  assert.equal(await digestOfTag(app, "v2"), "no such tag");
  server.failOnce(faults.status(429, { headers: { "retry-after": "120" } }));
  assert.equal(await digestOfTag(app, "v1"), "not before 120000 ms");
  assert.equal(await removeTag(app, "v1"), "gone");
  assert.equal(await removeTag(app, "v1"), "was not there");

  await writeFile(join(folder, "other"), other.bytes);
  await using pushing = createRegistry(server.host, { credentials, uploadChunkBytes: 500 });
  assert.equal(await pushFile(pushing.repository("team/new"), other, join(folder, "other")), "mounted");

  await using mirrored = withMirrors(server.host, `${mirror.host}/copy`, `${mirror.host}/elsewhere`);
  assert.equal(await digestOfTag(mirrored.repository("team/app"), "v1"), image.manifest.descriptor.digest);

  await using web = await startFileServer();
  const url = web.put("/tool.tgz", layer.bytes);
  web.failOnce(faults.cutAfter(100));
  await using files = createFileClient({ limits: { connections: 4 } });
  await download(files, url, join(folder, "tool.tgz"));
  assert.deepEqual(await readFile(join(folder, "tool.tgz")), Buffer.from(layer.bytes));
  assert.deepEqual(
    web.requests().map(({ range }) => range),
    [undefined, "bytes=100-"],
  );

  await using quiet = inOurNetwork("registry.internal", getCACertificates("default")[0] ?? "");
  assert.equal(quiet.name, "registry.internal"); // nothing is asked of a host before it is used
} finally {
  await rm(folder, { recursive: true });
}
console.log("read, pushed, attached, mirrored, deleted and downloaded");
