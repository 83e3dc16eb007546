import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { DepsCache } from "@tranship/core/deps";
import { digestOf } from "@tranship/registry";
import { anImage, faults, startFileServer, startTestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { createContext } from "../../packages/cli/src/context.ts";
import { outputLineSchema } from "../../packages/cli/src/output-schema/output-json-schema.ts";
import { JsonOutput } from "../../packages/cli/src/print/output.ts";
import { createProgram } from "../../packages/cli/src/program.ts";
import { runCache } from "../property/cache-run.ts";
import { CertificateAuthority, canMakeCertificates } from "../support/certificates.ts";
import { runProgram, runProgramIn } from "../support/run-program.ts";
import { startTranship } from "../support/start-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";

interface Line {
  readonly type: string;
  readonly [field: string]: unknown;
}

/** Runs `tranship deps` with `--json`; the report has to be of the schema. */
async function deps(...args: readonly string[]) {
  const { code, stdout } = await runProgram("deps", ...args, "--json");
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
  const last = (lines.at(-1) ?? {}) as Line;
  expect(outputLineSchema.parse(last)).toEqual(last); // what it does not name, it leaves out
  const namesOf = (type: string) => lines.filter((line) => line.type === `deps.${type}`).map(({ name }) => name);
  return { code, lines, last, namesOf };
}

/** A server with files, a registry with an image, and a manifest that names them. */
async function aWorld() {
  const server = await startFileServer();
  const registry = await startTestRegistry();
  const folder = tempFolder();
  const [runc, helm] = [Buffer.alloc(5000, "runc"), Buffer.from("helm for arm64")];
  const image = anImage({ tag: "v1", files: { "etc/name": "lb" } });
  registry.seed("acme/lb", image);
  const manifest = {
    tranship: "deps/v1",
    name: "platform",
    version: "1.0.0",
    items: [
      { id: "runc", version: "1.4.2", url: server.put("/runc", runc), digest: digestOf(runc), size: runc.length },
      { id: "helm", url: server.put("/helm", helm), digest: digestOf(helm, "sha512"), for: { arch: "arm64" } },
      { id: "lb", image: `${registry.host}/acme/lb:v1@${image.manifest.descriptor.digest}` },
      { id: "motd", inline: "hello\n", to: "etc/motd" },
    ],
  };
  const file = join(folder, "deps.json");
  const write = (value: object) => writeFileSync(file, JSON.stringify(value));
  write(manifest);
  const cache = join(folder, "cache");
  return {
    server,
    registry,
    folder,
    manifest,
    write,
    cache,
    runc,
    of: ["--manifest", file, "--cache", cache],
    requests: () => server.requests().length + registry.requests().length,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await registry[Symbol.asyncDispose]();
    },
  };
}

test("a cache is planned, filled, asked nothing again, verified, exported, imported and pruned", async () => {
  await using world = await aWorld();
  const { of, cache, folder, runc } = world;

  const planned = await deps("plan", ...of);
  expect(planned.last).toMatchObject({ command: "deps plan", present: 0, missing: 4, unknownSizes: 2 });
  expect(planned.last.missingBytes).toBe(planned.last.totalBytes);
  expect([existsSync(cache), world.requests()]).toEqual([false, 0]);
  const dry = await deps("download", ...of, "--dry-run");
  expect(dry.last).toEqual(planned.last);

  const status = await deps("status", ...of);
  expect([status.code, status.last.needsUpdate, status.last.manifests]).toEqual([
    0,
    true,
    [{ name: "platform", needsUpdate: true, latest: "1.0.0" }],
  ]);

  const filled = await deps("download", ...of, "--select", "arch=arm64");
  expect([filled.code, filled.last]).toMatchObject([0, { command: "deps download", done: 4, cached: 0, failed: 0 }]);
  expect(filled.namesOf("done").toSorted()).toEqual(["helm", "lb", "motd", "runc"]);
  expect(readFileSync(join(cache, "files/runc/runc"))).toEqual(runc);
  expect(readFileSync(join(cache, "files/etc/motd"), "utf8")).toBe("hello\n");

  const before = world.requests();
  const again = await deps("download", ...of, "--offline");
  expect([again.code, again.last]).toMatchObject([0, { done: 0, cached: 4 }]);
  expect(world.requests()).toBe(before);
  expect((await deps("status", ...of)).last).toMatchObject({
    needsUpdate: false,
    manifests: [{ cached: "1.0.0", latest: "1.0.0" }],
  });
  expect(await deps("verify", ...of, "--deep")).toMatchObject({
    code: 0,
    last: { isWhole: true, deep: true, present: 4 },
  });

  const archive = join(folder, "cache.tar");
  const exported = await deps("export", archive, ...of);
  expect([exported.code, exported.last]).toMatchObject([0, { command: "deps export", items: 4, archive }]);
  const other = join(folder, "other");
  const pinned = `archive=${exported.last.digest}`;
  const imported = await deps("import", archive, "--cache", other, "--pin", pinned);
  expect([imported.code, imported.last]).toMatchObject([
    0,
    { command: "deps import", items: 4, digest: exported.last.digest },
  ]);
  expect(await deps("verify", ...of.slice(0, 2), "--cache", other, "--deep")).toMatchObject({ code: 0 });
  const wrong = await deps("import", archive, "--cache", other, "--pin", `archive=${digestOf(runc)}`);
  expect([wrong.code, wrong.last]).toMatchObject([1, { code: "PIN_MISMATCH", class: "untrusted" }]);

  const path = join(cache, "files/runc/runc");
  writeFileSync(path, Buffer.from(runc).fill("x", 2000, 2001));
  const found = await deps("verify", ...of);
  expect([found.code, found.last]).toMatchObject([3, { isWhole: false, differs: 1, present: 3 }]);
  expect(found.namesOf("failed")).toEqual(["runc"]);
  expect(await deps("download", ...of)).toMatchObject({ code: 0, last: { done: 1, cached: 3 } });
  expect(readFileSync(path)).toEqual(runc);

  const { items, ...rest } = world.manifest;
  world.write({ ...rest, version: "1.1.0", items: items.slice(1) });
  expect((await deps("status", ...of)).last).toMatchObject({
    needsUpdate: true,
    manifests: [{ cached: "1.0.0", latest: "1.1.0" }],
  });
  const dryPrune = await deps("prune", ...of);
  expect([dryPrune.code, dryPrune.last]).toMatchObject([0, { command: "deps prune", dryRun: true }]);
  expect(dryPrune.last.removals).toContainEqual({ path, reason: "unused", bytes: expect.any(Number) });
  expect(dryPrune.last.freedBytes).toBeGreaterThanOrEqual(runc.length);
  expect(existsSync(path)).toBe(true);
  const pruned = await deps("prune", ...of, "--yes");
  expect(pruned.last).toMatchObject({ dryRun: false, removals: dryPrune.last.removals });
  expect(existsSync(path)).toBe(false);
  expect(await deps("verify", ...of)).toMatchObject({ code: 0 });
});

test("a download that is killed is gone on with, and leaves nothing behind", { timeout: 60_000 }, async () => {
  await using world = await aWorld();
  const { of, cache, server } = world;
  const large = Buffer.alloc(600_000, "large file");
  const item = { id: "large", url: server.put("/large", large), digest: digestOf(large), size: large.length };
  world.write({ ...world.manifest, items: [...world.manifest.items, item] });
  server.failOnce(faults.stall({ afterBytes: 400_000 }), "/large");
  const { child, ended } = startTranship(["deps", "download", ...of]);
  const partial = join(cache, ".tranship/partial", digestOf(large).replace(":", "-"));
  const here = () => statSync(partial, { throwIfNoEntry: false })?.size ?? 0;
  while (here() < 300_000)
    await Promise.race([delay(5), ended.then(({ stderr }) => Promise.reject(new Error(stderr)))]);
  child.kill("SIGKILL");
  await ended;
  const came = here();

  const again = await deps("download", ...of);
  expect([again.code, again.last.failed]).toEqual([0, 0]);
  const asked = server.requests().filter(({ path }) => path === "/large");
  expect(asked.map(({ headers }) => headers.range)).toEqual([undefined, `bytes=${came}-`]);
  expect(readdirSync(join(cache, ".tranship/partial"))).toEqual([]);
  expect(await deps("verify", ...of, "--deep")).toMatchObject({ code: 0, last: { isWhole: true } });
});

test("people are told the same in words, and on the way what is done and what failed", async () => {
  await using world = await aWorld();
  const { of, cache } = world;
  world.server.fail(faults.status(404), { match: "/helm" });
  const { code, stdout, stderr } = await runProgram("deps", "download", ...of, "--keep-going");
  expect(code).toBe(3);
  expect(stdout).toMatch(/failed: helm: [\s\S]*3 items are in .*: 3 brought [\s\S]*1 item failed/);
  expect(stderr).toMatch(/runc is there \(4\.9 KiB\)/);
  expect(stderr).toMatch(/^helm failed$/m);
  const stopped = await deps("download", ...of);
  expect([stopped.code, stopped.last]).toMatchObject([1, { type: "failure", code: "NOT_FOUND", class: "not-found" }]);
  const plan = await runProgram("deps", "plan", ...of);
  expect(plan).toMatchObject({ code: 0, stdout: expect.stringContaining(`1 item of 4 to fetch into ${cache}`) });
  expect((await runProgram("deps", "verify", ...of)).stdout).toMatch(/absent: helm: .*[\s\S]*is not whole: 1 missing/);
  expect((await runProgram("deps", "status", ...of)).stdout).toMatch(/platform {2}1\.0\.0 \(not cached\)/);
});

test("a manifest in YAML says the same; what is wrong with one is told with its key", async () => {
  await using world = await aWorld();
  const file = join(world.folder, "deps.yaml");
  const { url, digest } = world.manifest.items[0] ?? {};
  const yaml = (version: string) =>
    `# ours\ntranship: deps/v1\nname: platform\nversion: "1"\nitems:\n  - id: runc\n    version: ${version}\n    url: ${url}\n    digest: ${digest}\n`;
  writeFileSync(file, yaml("'1.4'"));
  const of = ["--manifest", file, "--cache", world.cache];
  expect(await deps("download", ...of)).toMatchObject({ code: 0, last: { done: 1 } });
  writeFileSync(file, yaml("1.4"));
  const typed = await deps("plan", ...of);
  expect(typed.last).toMatchObject({
    code: "MANIFEST_PARSE",
    class: "manifest",
    details: { path: "items[0].version" },
  });
  writeFileSync(file, "a: [");
  expect((await deps("plan", ...of)).last).toMatchObject({
    code: "MANIFEST_PARSE",
    message: expect.stringContaining("line 1"),
  });
  expect((await runProgram("deps", "plan", "--manifest", file, "--cache", "c", "--allow-host", "a b")).code).toBe(2);
});

test("the manifest of the guide is one, and planned without asking anybody", async () => {
  const folder = tempFolder();
  const guide = readFileSync(join(import.meta.dirname, "../../docs/guides/deps.md"), "utf8");
  const yaml = /```yaml\n(tranship: deps[\s\S]*?)```/.exec(guide)?.[1] ?? "";
  writeFileSync(join(folder, "deps.yaml"), yaml);
  const { code, last } = await deps("plan", "--manifest", join(folder, "deps.yaml"), "--cache", join(folder, "cache"));
  expect([code, last]).toMatchObject([0, { missing: 6, manifests: [{ name: "platform", version: "1.8.0" }] }]);
});

test("a host that is not allowed, a lock that is held and a cache that is not there fail with what to do", async () => {
  await using world = await aWorld();
  const forbidden = await deps("download", ...world.of, "--allow-host", "example.org");
  expect([forbidden.code, forbidden.last]).toMatchObject([1, { code: "HOST_FORBIDDEN", class: "host-forbidden" }]);
  expect(world.requests()).toBe(0);
  const offline = await deps("download", ...world.of, "--offline");
  expect([offline.code, offline.last]).toMatchObject([1, { code: "OFFLINE", class: "offline" }]);
  {
    await using _held = await DepsCache.open(world.cache);
    const locked = await deps("download", ...world.of, "--no-wait");
    expect([locked.code, locked.last]).toMatchObject([1, { code: "CACHE_LOCKED", class: "cache-locked" }]);
    const waited = await deps("download", ...world.of, "--lock-timeout", "1ms");
    expect(waited.last).toMatchObject({ code: "CACHE_LOCKED" });
    expect(waited.lines).toContainEqual(expect.objectContaining({ code: "WAITING_FOR_LOCK" }));
  }
  const nowhere = await deps("verify", ...world.of.slice(0, 2), "--cache", join(world.folder, "none"));
  expect([nowhere.code, nowhere.last]).toMatchObject([1, { code: "NOT_CACHED", class: "cache" }]);
  expect(readdirSync(world.folder)).not.toContain("none");
});

/** Runs `tranship deps serve` until the work is done; `input` comes in on standard input. */
async function served<Result>(
  args: readonly string[],
  work: (url: string) => Promise<Result>,
  input = "",
): Promise<Result> {
  const stop = new AbortController();
  const { promise: url, resolve } = Promise.withResolvers<string>();
  const said: Line[] = [];
  const write = (text: string | Uint8Array) => {
    const line = JSON.parse(String(text)) as Line;
    said.push(line);
    if (line.type === "server.listening") resolve(String(line.url));
    return true;
  };
  const context = createContext({
    output: new JsonOutput({ write }, { write: () => true }),
    signal: stop.signal,
    input: (async function* () {
      yield Buffer.from(input);
    })(),
    environment: {},
    exitWith() {},
  });
  const ended = createProgram(context, "0.0.0").parseAsync(["deps", "serve", ...args], { from: "user" });
  try {
    return await Promise.race([url.then(work), ended.then(() => Promise.reject(new Error("it did not listen")))]);
  } finally {
    stop.abort();
    await ended;
    expect(said.at(-1)).toMatchObject({ type: "report", command: "deps serve" });
  }
}

test("a cache is served to others, who check what they get", async () => {
  await using world = await aWorld();
  await deps("download", ...world.of);
  const [runc] = world.manifest.items;
  const { code, last } = await served(["--cache", world.cache, "--listen", "127.0.0.1:0"], async (url) => {
    world.write({ ...world.manifest, items: [{ ...runc, url: `${url}/files/runc/runc` }] });
    return await deps("download", ...world.of.slice(0, 2), "--cache", join(world.folder, "other"));
  });
  expect([code, last]).toMatchObject([0, { done: 1 }]);
  const { stderr } = await runProgram(
    "deps",
    "serve",
    "--cache",
    join(world.folder, "none"),
    "--listen",
    "127.0.0.1:0",
  );
  expect(stderr).toContain("nothing is in the cache yet");
});

test("a cache is served to who knows the password, files and images alike", async () => {
  await using world = await aWorld();
  await deps("download", ...world.of);
  const args = ["--cache", world.cache, "--listen", "127.0.0.1:0", "--login", "ann", "--password-stdin"];
  const headers = { authorization: `Basic ${Buffer.from("ann:s3cret").toString("base64")}` };
  const answers = await served(
    args,
    async (url) => {
      const asked = ["/files/runc/runc", "/v2/"].flatMap((path) => [fetch(url + path), fetch(url + path, { headers })]);
      return (await Promise.all(asked)).map(({ status }) => status);
    },
    "s3cret\n",
  );
  expect(answers).toEqual([401, 200, 401, 200]);
});

test.skipIf(!canMakeCertificates)("a cache is served by HTTPS, to who trusts it", async () => {
  await using world = await aWorld();
  await deps("download", ...world.of);
  using authority = new CertificateAuthority();
  const pem = { ...authority.issue({ altNames: "IP:127.0.0.1" }), ca: authority.cert };
  const path = (name: keyof typeof pem) => join(world.folder, `${name}.pem`);
  for (const name of ["cert", "key", "ca"] as const) writeFileSync(path(name), pem[name]);
  const args = [
    "--cache",
    world.cache,
    "--listen",
    "127.0.0.1:0",
    "--tls-cert",
    path("cert"),
    "--tls-key",
    path("key"),
  ];
  const [runc] = world.manifest.items;
  const [trusting, other] = await served(args, async (url) => {
    world.write({ ...world.manifest, items: [{ ...runc, url: `${url}/files/runc/runc` }] });
    const to = (name: string) => [...world.of.slice(0, 2), "--cache", join(world.folder, name)];
    return [await deps("download", ...to("trusts"), "--ca", path("ca")), await deps("download", ...to("does not"))];
  });
  expect([trusting.code, trusting.last]).toMatchObject([0, { done: 1 }]);
  expect([other.code, other.last]).toMatchObject([1, { type: "failure" }]);
});

/** Podplane's manifests at a server, with a file for each of two architectures and one image. */
async function podplane(world: Awaited<ReturnType<typeof aWorld>>) {
  const { server, registry } = world;
  const file = (path: string) => {
    const bytes = Buffer.from(path);
    return { version: "1", url: server.put(path, bytes), type: "binary", digest: digestOf(bytes), size: bytes.length };
  };
  const machine = (arch: string, version: string) => ({
    vmconfig: {
      version,
      kind: "knc",
      os: { name: "debian-13", arch, image: file(`/${arch}/disk`) },
      dependencies: { kubelet: file(`/${arch}/kubelet`), cni: { ...file(`/${arch}/cni`), providers: ["aws"] } },
    },
  });
  const image = anImage({ tag: "v1", files: { "etc/name": "lb" } });
  const row = {
    image: `${registry.host}/acme/lb:v1`,
    digest: image.manifest.descriptor.digest,
    size: 1000,
    components: ["traefik"],
    addon: true,
  };
  const publish = (version: string) => {
    const manifests = {
      "vmconfig_knc_debian-13_amd64": machine("amd64", version),
      "vmconfig_knc_debian-13_arm64": machine("arm64", version),
      components: { components: { version: "2", images: [row] } },
      templates: { templates: { version: "3", charts: [] } },
      seeds: { seeds: { version: "4", components: "2", snapshots: {} } },
    };
    for (const [name, manifest] of Object.entries(manifests))
      server.put(`/manifests/${name}.json`, JSON.stringify(manifest), { etag: `"${name} ${version}"` });
    return digestOf(Buffer.from(JSON.stringify(manifests.components)));
  };
  return publish;
}

test("podplane's manifests fill its cache for several architectures, with the recommended addons", async () => {
  await using world = await aWorld();
  const publish = await podplane(world);
  const pin = publish("1.8.0");
  const cache = join(world.folder, "deps");
  const of = ["--base-url", world.server.origin, "--cache", cache, "--arch", "amd64,arm64"];
  const planned = await deps("plan", ...of, "--providers", "aws");
  expect([planned.code, planned.last]).toMatchObject([0, { command: "deps plan", missing: 7, present: 0 }]);
  expect(existsSync(cache)).toBe(false);
  const refused = await deps("plan", ...of, "--pin", `components=${digestOf(Buffer.from("other"))}`);
  expect([refused.code, refused.last]).toMatchObject([1, { code: "PIN_MISMATCH", class: "untrusted" }]);
  expect((await deps("plan", ...of, "--no-recommended-addons")).last).toMatchObject({ missing: 4 });
  expect((await deps("plan", ...of, "--no-recommended-addons", "--addons", "traefik")).last.missing).toBe(5);

  mkdirSync(join(world.folder, "large disk"));
  symlinkSync("large disk", cache); // the images are beside the name that the cache is known by
  const filled = await deps("download", ...of, "--providers", "aws", "--pin", `components=${pin}`);
  expect([filled.code, filled.last]).toMatchObject([0, { done: 7, failed: 0 }]);
  expect(filled.last.manifests).toContainEqual(
    expect.objectContaining({ name: "components", version: "2", digest: pin }),
  );
  expect(existsSync(join(cache, "vmconfig/manifests/vmconfig_knc_debian-13_arm64.json"))).toBe(true);
  expect(readdirSync(join(world.folder, "registry/mirror"))).toEqual([world.registry.host]);

  const before = world.requests();
  const again = await deps("download", "--preset", "podplane", ...of.slice(2), "--providers", "aws", "--offline");
  expect([again.last, world.requests()]).toMatchObject([{ done: 0, cached: 7 }, before]);
  const environment = {
    PODPLANE_DEPS_URL: world.server.origin,
    PODPLANE_DEPS_CACHE_DIR: cache,
    PODPLANE_ARCH: "arm64",
  };
  const current = await runProgramIn(environment, "deps", "status", "--preset", "podplane");
  expect(current).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/vmconfig knc arm64 +1\.8\.0\n[\s\S]*is up to date/),
  });
  publish("1.9.0");
  const status = await deps("status", ...of);
  expect([status.code, status.last]).toMatchObject([0, { needsUpdate: true }]);
  expect(status.last.manifests).toContainEqual({
    name: "vmconfig knc amd64",
    needsUpdate: true,
    cached: "1.8.0",
    latest: "1.9.0",
  });
  expect((await runProgram("deps", "status", ...of)).stdout).toMatch(/vmconfig knc amd64 +1\.8\.0 -> 1\.9\.0\n/);
  publish("1.7.0");
  const older = await deps("download", ...of);
  expect(older.code).toBe(0); // nothing is signed: a publisher may take a version back
  publish("1.9.0");
  world.server.fail(faults.status(404), { match: "/manifests/seeds.json" });
  expect(await deps("status", ...of)).toMatchObject({ code: 1, last: { code: "NOT_FOUND" } });

  const verified = ["--preset", "podplane", "--cache", cache];
  expect(await deps("verify", ...verified)).toMatchObject({ code: 0, last: { present: 7 } });
  writeFileSync(join(cache, "vmconfig/artifacts/kubelet/1/kubelet"), "/amd64/kubelex");
  expect(await deps("verify", ...verified)).toMatchObject({ code: 3, last: { isWhole: false, differs: 1 } });
  const pruned = await deps("prune", ...verified);
  expect([pruned.code, pruned.last]).toMatchObject([0, { dryRun: true, removals: [], unlisted: [] }]);
});

// `pnpm soak caches` does it longer; names of repositories with a port in them are none on Windows
test.skipIf(process.platform === "win32")("whatever is done with a cache, what was asked for is there", async () => {
  const { problems, trail } = await runCache({ seed: 4, steps: 3 });
  expect(problems, trail.join("\n")).toEqual([]);
});

describe("what it refuses", () => {
  const own = ["--manifest", "m.json", "--cache", "c"];
  const usage: readonly (readonly [string, readonly string[], RegExp])[] = [
    ["no manifest", ["plan", "--cache", "c"], /--manifest FILE, or --preset podplane/],
    ["both kinds of manifests", ["plan", ...own, "--preset", "podplane"], /contradict each other/],
    ["no cache", ["plan", "--manifest", "m.json"], /--cache FOLDER/],
    ["a manifest that is not there", ["plan", ...own], /cannot read m\.json/],
    ["an action that is none", ["fetch"], /choices are plan, download/],
    ["a flag of another action", ["verify", ...own, "--yes"], /--yes is not of deps verify, but of deps prune/],
    ["a flag of the preset", ["plan", ...own, "--kind", "knc"], /--kind is of --preset podplane/],
    [
      "a choice of no manifest",
      ["plan", "--preset", "podplane", "--select", "arch=amd64"],
      /--select is of --manifest/,
    ],
    ["podplane's file of a cluster", ["plan", "--preset", "podplane", "--cluster-config", "c.yaml"], /unknown option/],
    ["a file too many", ["plan", "x.tar", ...own], /takes no file/],
    ["no file", ["export", ...own], /needs a file/],
    ["a number that is none", ["download", ...own, "--concurrency", "many"], /--concurrency many/],
    ["a duration that is none", ["download", ...own, "--lock-timeout", "soon"], /--lock-timeout soon/],
    ["a password of nobody", ["serve", "--cache", "c", "--password-stdin"], /--login and --password-stdin need/],
    [
      "a certificate without its key",
      ["serve", "--cache", "c", "--tls-cert", "c.pem"],
      /--tls-cert and --tls-key need/,
    ],
    ["a login of another action", ["plan", ...own, "--login", "ann"], /--login is not of deps plan, but of deps serve/],
    ["two ways to wait", ["download", ...own, "--lock-timeout", "1s", "--no-wait"], /contradict/],
    ["architectures that are none", ["plan", "--preset", "podplane", "--arch", ","], /none is named/],
    ["an architecture that is not supported", ["plan", "--preset", "podplane", "--arch", "s390x"], /s390x/],
    ["a pin that is none", ["plan", "--preset", "podplane", "--pin", "components"], /NAME=DIGEST/],
    ["a key that is none", ["plan", "--preset", "podplane", "--public-key", "none.pem"], /cannot read none\.pem/],
    [
      "two times one architecture",
      ["plan", "--preset", "podplane", "--arch", "amd64,arm64", "--vmconfig", "v"],
      /one --arch/,
    ],
  ];
  test.for(usage)("%s", async ([, args, says]) => {
    const { code, stderr } = await runProgramIn({ HOME: "/nowhere" }, "deps", ...args);
    expect([code, stderr]).toEqual([2, expect.stringMatching(says)]);
  });

  test("nothing at all is answered with what there is", async () => {
    const { code, stdout } = await runProgram("deps");
    expect([code, stdout]).toEqual([0, expect.stringMatching(/Actions:[\s\S]*prune/)]);
  });
});
