import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "@tranship/registry";
import { aLayer, anImage } from "@tranship/registry/testing";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { PullProgress } from "../../packages/core/src/rootfs/progress/pull-progress.ts";
import { fetchImage } from "../../packages/core/src/rootfs/source/fetch-image.ts";
import { saveDockerImage } from "../../packages/core/src/rootfs/source/modes/save-docker.ts";
import { prepareLocalSource, prepareSource } from "../../packages/core/src/rootfs/source/prepare-source.ts";
import type { PreparedSource, SourceSpec } from "../../packages/core/src/rootfs/source/source.ts";
import { ustarOf } from "../../packages/registry/src/testing/ustar.ts";
import { CertificateAuthority, canMakeCertificates } from "../support/certificates.ts";
import { DockerEngineServer, type EngineState } from "../support/docker-engine.ts";
import { ProgramFolder } from "../support/program-folder.ts";
import { tempFolder } from "../support/temp-folder.ts";

const digest = `sha256:${"d".repeat(64)}`;
const id = `sha256:${"1".repeat(64)}`;
const image = {
  Id: id,
  RepoDigests: [`elsewhere.example.com/b@sha256:${"e".repeat(64)}`, `a.example.com/b@${digest}`],
  Os: "linux",
  Architecture: "amd64",
  Size: 500,
  Config: { Entrypoint: ["/init"], Env: [], User: "app" },
};
const ref = "a.example.com/b:c";
const account = { registryUsername: "ann", registryPassword: "s3cret>?" };
const layer = "0123456789ab";
const events = [
  { status: "Pulling from b", id: "c" },
  { status: "Downloading", progressDetail: { current: 40, total: 100 }, id: layer },
  { status: "Pull complete", progressDetail: {}, id: layer },
  { status: "Status: Downloaded newer image" },
];

/** An engine on a socket, and how it is asked. */
async function startEngine(state: Partial<EngineState> = {}) {
  const socket = join(tempFolder(), "docker.sock");
  const engine = await new DockerEngineServer({ pulled: image, events, ...state }).listenAt(socket);
  const environment = { DOCKER_HOST: `unix://${socket}`, HOME: "/nowhere", PATH: "/nowhere" };
  const spec = (more: Partial<SourceSpec> = {}): SourceSpec => ({
    imageRef: ref,
    mode: "docker",
    platform: { os: "linux", architecture: "amd64" },
    environment,
    ...more,
  });
  return { engine, spec, [Symbol.asyncDispose]: () => engine[Symbol.asyncDispose]() };
}

const inspection = "GET /images/a.example.com%2Fb%3Ac/json";
const pulling = "POST /images/create?fromImage=a.example.com%2Fb&tag=c&platform=linux%2Famd64";
const removal = "DELETE /images/a.example.com%2Fb%3Ac";

describe.skipIf(process.platform === "win32")("an image of a Docker daemon", () => {
  test("that is there is asked for once, not pulled, and left there", async () => {
    await using docker = await startEngine({ images: new Map([[ref, image]]) });
    const source = await prepareSource(docker.spec({ imageRef: ` docker://http://${ref}`, ...account }));
    expect(source).toMatchObject({
      digest: `a.example.com/b@${digest}`,
      exportMode: "docker",
      configJson: '{"Entrypoint":["/init"],"Cmd":null,"Env":[],"WorkingDir":"","User":"app"}',
      compressedSizeBytes: 0,
    });
    await source.cleanup();
    expect(docker.engine.lines).toEqual([inspection]);
    expect(docker.engine.requests[0]?.headers).not.toHaveProperty("x-registry-auth");
  });

  test.for([1, 7, 1000])(
    "that is not there is pulled, told of, and taken back once, whatever was aborted (%i bytes at a time)",
    async (cut) => {
      await using docker = await startEngine({ cut });
      const told: PullProgress[] = [];
      const onPullProgress = (progress: PullProgress) => told.push(progress);
      const abort = new AbortController();
      const source = await prepareSource(docker.spec({ ...account, onPullProgress }), { signal: abort.signal });
      abort.abort();
      expect(told.at(-1)).toMatchObject({ totalBytes: 100, downloadedBytes: 100, completedLayers: 1, percent: 100 });
      await source.cleanup();
      await source.cleanup();
      expect(docker.engine.lines).toEqual([inspection, pulling, inspection, removal]);

      const header = String(docker.engine.requests[1]?.headers["x-registry-auth"]);
      expect(header).toMatch(/^[A-Za-z0-9_-]+=*$/);
      expect(header).not.toContain("s3cret");
      expect(header.length % 4).toBe(0);
      expect(JSON.parse(Buffer.from(header, "base64url").toString())).toEqual({
        username: "ann",
        password: "s3cret>?",
        serveraddress: "a.example.com",
      });
    },
  );

  test.for([
    { imageRef: "nginx", asked: "fromImage=nginx&tag=latest", server: "https://index.docker.io/v1/" },
    {
      imageRef: `r.io/a:stable@${digest}`,
      asked: `fromImage=r.io%2Fa&tag=${encodeURIComponent(digest)}`,
      server: "r.io",
    },
  ])("$imageRef is pulled as $asked", async ({ imageRef, asked, server }) => {
    await using docker = await startEngine();
    await prepareSource(docker.spec({ imageRef, ...account }));
    expect(docker.engine.lines[1]).toBe(`POST /images/create?${asked}&platform=linux%2Famd64`);
    const header = Buffer.from(String(docker.engine.requests[1]?.headers["x-registry-auth"]), "base64url");
    expect(JSON.parse(header.toString())).toMatchObject({ serveraddress: server });
  });

  test("is pulled as whoever is logged in, where nobody is named", async () => {
    await using docker = await startEngine();
    const folder = tempFolder();
    const auth = Buffer.from("bob:hidden").toString("base64");
    writeFileSync(join(folder, "config.json"), JSON.stringify({ auths: { "a.example.com": { auth } } }));
    const spec = docker.spec();
    await prepareSource({ ...spec, environment: { ...spec.environment, DOCKER_CONFIG: folder } });
    const header = Buffer.from(String(docker.engine.requests[1]?.headers["x-registry-auth"]), "base64url");
    expect(JSON.parse(header.toString())).toMatchObject({ username: "bob", password: "hidden" });
  });

  test.for([
    {
      what: "an error among the events",
      events: [...events.slice(0, 1), { error: "denied", errorDetail: { message: "denied" } }],
    },
    { what: "an event that is none", events: ["{]\n"] },
    { what: "an endless line", events: ["x".repeat(1024 * 1024 + 1)] },
  ])("$what fails the pull, and tells of no progress", async ({ events }) => {
    await using docker = await startEngine({ events });
    const told: PullProgress[] = [];
    const failing = prepareSource(docker.spec({ onPullProgress: (progress) => told.push(progress) }));
    await expect(failing).rejects.toMatchObject({
      code: "DAEMON_FAILED",
      message: expect.stringContaining("cannot pull"),
    });
    expect(told).toEqual([]);
    expect(docker.engine.lines).toEqual([inspection, pulling]);
  });

  test("a daemon that refuses is told of as it is, and nobody else is asked", async () => {
    await using docker = await startEngine({ refusal: { status: 401, message: "who are you?" } });
    const programs = new ProgramFolder().add("docker", "exit 1");
    const { environment, ...spec } = docker.spec();
    const failing = prepareSource({ ...spec, environment: { ...environment, ...programs.environment } });
    await expect(failing).rejects.toMatchObject({
      code: "DAEMON_FAILED",
      details: { status: 401, reason: "who are you?" },
    });
    expect(programs.calls).toEqual([]);
  });

  test("that was pulled and is of no use is taken back", async () => {
    await using docker = await startEngine({ pulled: { ...image, Architecture: "arm64" } });
    await expect(prepareSource(docker.spec())).rejects.toMatchObject({ code: "PLATFORM_MISMATCH" });
    expect(docker.engine.lines.at(-1)).toBe(removal);
  });

  test("is not pulled to do something again: it must still be there", async () => {
    await using docker = await startEngine();
    const failing = prepareLocalSource(docker.spec());
    await expect(failing).rejects.toThrow(/needs the image it was made of/);
    docker.engine.state.images.set(ref, image);
    const source = await prepareLocalSource(docker.spec());
    await source.cleanup();
    expect(docker.engine.lines).toEqual([inspection, inspection]);
  });

  test("an abort ends the pull with its reason", async () => {
    await using docker = await startEngine({ cut: 1 });
    const abort = new AbortController();
    const onPullProgress = () => abort.abort(new Error("enough"));
    await expect(prepareSource(docker.spec({ onPullProgress }), { signal: abort.signal })).rejects.toThrow("enough");
  });

  test.for([
    { kind: "index.v1+json", told: { indexDigest: digest } },
    { kind: "manifest.v1+json", told: { manifestDigest: digest } },
  ])("a digest is said to be what the daemon knows it is: $kind", async ({ kind, told }) => {
    const Descriptor = { mediaType: `application/vnd.oci.image.${kind}`, digest };
    await using docker = await startEngine({ images: new Map([[ref, { ...image, Descriptor }]]) });
    expect(await prepareSource(docker.spec())).toMatchObject(told);
  });
});

describe("where the daemon is", () => {
  beforeEach(() => void vi.stubEnv("TMPDIR", tempFolder()));
  afterEach(() => void vi.unstubAllEnvs());
  const at = (DOCKER_HOST: string, more: Partial<SourceSpec> = {}) =>
    prepareSource({
      imageRef: ref,
      mode: "docker",
      platform: { os: "linux", architecture: "amd64" },
      environment: { DOCKER_HOST, PATH: "/nowhere", HOME: "/nowhere" },
      ...more,
    });

  test("credentials do not go to another machine in clear, unless that is allowed", async () => {
    await using engine = new DockerEngineServer({ pulled: image });
    const port = await engine.listen();
    const elsewhere = `tcp://[::ffff:127.0.0.1]:${port}`; // not known to be this machine
    await expect(at(elsewhere, account)).rejects.toMatchObject({ code: "CREDENTIALS_EXPOSED" });
    expect(engine.lines).toEqual([inspection]);
    await at(elsewhere, { ...account, allowExposedCredentials: true });
    expect(engine.lines).toContain(pulling);
    engine.state.images.clear();
    await at(`http://localhost:${port}/`, account);
  });

  test.skipIf(!canMakeCertificates)("it is asked over TLS with the certificates of Docker's client", async () => {
    using authority = new CertificateAuthority();
    await using engine = new DockerEngineServer({ pulled: image }, authority.issue({ altNames: "IP:127.0.0.1" }));
    const port = await engine.listen();
    const folder = tempFolder();
    writeFileSync(join(folder, "ca.pem"), authority.cert);
    const DOCKER_HOST = `tcp://127.0.0.1:${port}`;
    const environment = { DOCKER_HOST, DOCKER_TLS_VERIFY: "1", DOCKER_CERT_PATH: folder, PATH: "/nowhere" };
    await at("", { ...account, environment });
    expect(engine.lines).toContain(pulling);
    const stranger = { ...environment, DOCKER_CERT_PATH: tempFolder() };
    await expect(at("", { environment: stranger })).rejects.toMatchObject({ code: "DAEMON_FAILED" });
  });

  test.for(["ssh://me@host", "npipe:////./pipe/docker", "unix://relative", "tcp://", "tcp://u:s3cret@h", "nonsense"])(
    "%s is no place to ask",
    async (place) => {
      const failure = await at(place).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "DAEMON_FAILED", message: expect.not.stringContaining("s3cret") });
    },
  );

  test("nobody there, and no program that might find one", async () => {
    await expect(at("unix:///nowhere/docker.sock")).rejects.toMatchObject({
      code: "DAEMON_FAILED",
      message: expect.stringMatching(
        /no Docker daemon answers at unix:\/\/\/nowhere\/docker\.sock: ENOENT, and there is no/,
      ),
    });
  });
});

describe.skipIf(process.platform === "win32")("saving an image", () => {
  async function savedBy(
    state: Partial<EngineState>,
    save: (source: PreparedSource, file: string) => Promise<unknown>,
  ) {
    await using docker = await startEngine({
      images: new Map([
        [ref, image],
        [id, image],
      ]),
      ...state,
    });
    const folder = tempFolder();
    const source = await prepareSource(docker.spec());
    docker.engine.state.images.set(ref, { ...image, Id: "another" }); // the tag moved
    const ending = await save(source, join(folder, "image.tar")).catch((error: unknown) => error);
    return { ending, folder, asked: docker.engine.lines.at(-1) };
  }

  test("writes what the daemon gives, by the id that was found", async () => {
    const archive = randomBytes(300_000);
    const onBytes = vi.fn();
    const { ending, folder, asked } = await savedBy({ archive }, (source, file) =>
      saveDockerImage(source, file, { onBytes }),
    );
    expect(ending).toBe(archive.byteLength);
    expect(readFileSync(join(folder, "image.tar")).equals(archive)).toBe(true);
    expect(statSync(join(folder, "image.tar")).mode & 0o777).toBe(0o600);
    expect(onBytes).toHaveBeenLastCalledWith(archive.byteLength);
    expect(asked).toBe(`GET /images/${encodeURIComponent(id)}/get`);
  });

  test.for([
    { what: "silence", state: { silentAfter: 5 }, reason: /silent for 50 ms/ },
    { what: "a broken connection", state: { brokenAfter: 5 }, reason: /connection broke/ },
  ])("$what ends it, and leaves no file", async ({ state, reason }) => {
    const { ending, folder } = await savedBy({ archive: randomBytes(10), ...state }, (source, file) =>
      saveDockerImage(source, file, { idleTimeoutMs: 50 }),
    );
    expect(ending).toMatchObject({ code: "DAEMON_FAILED", message: expect.stringMatching(reason) });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("an abort ends it with its reason", async () => {
    const abort = new AbortController();
    const onBytes = () => abort.abort(new Error("enough"));
    const { ending, folder } = await savedBy({ archive: randomBytes(10), silentAfter: 5 }, (source, file) =>
      saveDockerImage(source, file, { signal: abort.signal, onBytes }),
    );
    expect(ending).toEqual(new Error("enough"));
    expect(readdirSync(folder)).toEqual([]);
  });

  test("its layers are then read out of the archive, as those of any image", async () => {
    const { config, layers, manifest } = anImage({ layers: [aLayer({ files: { a: "1" }, gzip: false }), aLayer()] });
    const [base, top] = layers;
    const Layers = ["base.tar", "top.tar"];
    const archive = ustarOf({
      "config.json": config.bytes,
      "base.tar": base?.bytes ?? Buffer.of(),
      "top.tar": top?.bytes ?? Buffer.of(),
      "manifest.json": Buffer.from(JSON.stringify([{ Config: "config.json", RepoTags: null, Layers }])),
    });
    const directory = tempFolder();
    const read: (readonly [string, string])[] = [];
    const { ending } = await savedBy({ archive }, async (source) => {
      await using fetched = await fetchImage(source, { directory });
      for (const { descriptor } of fetched.image.layers) {
        const chunks: Uint8Array[] = [];
        for await (const chunk of fetched.image.repository.fetchBlob(descriptor)) chunks.push(chunk);
        read.push([descriptor.digest, digestOf(Buffer.concat(chunks))]);
      }
      return fetched.image.reference;
    });
    expect(ending).toMatch(/^a\.example\.com\/b@sha256:/);
    expect(ending).not.toContain(manifest.descriptor.digest); // an archive keeps no manifest: one is made for it
    expect(read).toEqual(layers.map(({ digest }) => [digest, digest]));
    expect(readdirSync(directory)).toEqual(["image.tar"]);
  });

  test("a source that no daemon was asked for cannot be saved", async () => {
    const { ending } = await savedBy({}, (source, file) => saveDockerImage({ ...source }, file));
    expect(ending).toMatchObject({ code: "SOURCE_UNPREPARED" });
  });
});
