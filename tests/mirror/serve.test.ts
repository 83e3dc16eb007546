import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { request as httpRequest } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { LayoutRegistry, PackagesService, plan } from "@tranship/core";
import { createRegistry, type Registry } from "@tranship/registry";
import { aBlob, anImage, startTestRegistry } from "@tranship/registry/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import { pushImage, seedProduct } from "../support/product.ts";
import { runProgram } from "../support/run-program.ts";
import { type TranshipRun, transhipMain } from "../support/run-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { noTmpfs, tmpfs } from "../support/tmpfs.ts";
import { lacking } from "../support/tools.ts";

const run = promisify(execFile);
const openssl = "openssl"; // of the machine, not of a package

/** `tranship serve` as a process of its own. */
interface Served {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  readonly url: string;
  readonly child: ChildProcess;
  /** Sends a signal, if any, and gives what was said from the beginning to the end. */
  ended(signal?: NodeJS.Signals): Promise<TranshipRun>;
}

/** Serves on a free port of this machine, and resolves when that is said. It is stopped with the test. */
async function serve(args: readonly string[], input = "", env: NodeJS.ProcessEnv = {}): Promise<Served> {
  const command = [transhipMain, "serve", "--listen", "127.0.0.1:0", ...args];
  const child = spawn(process.execPath, command, { env: { ...process.env, ...env } });
  onTestFinished(() => {
    child.kill("SIGKILL");
  });
  child.stdin.end(input);
  let [stdout, stderr] = ["", ""];
  child.stderr.on("data", (chunk) => {
    stderr += chunk;
  });
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
  });
  const closed = once(child, "close");
  const [line] = (await Promise.race([once(createInterface(child.stdout), "line"), closed.then(() => [""])])) as [
    string,
  ];
  const url = /https?:\/\/[0-9.]+:[0-9]+/.exec(line)?.[0];
  if (url === undefined) throw new Error(`it does not serve: ${stdout}${stderr}`);
  return {
    url,
    host: new URL(url).host,
    child,
    async ended(signal) {
      if (signal) child.kill(signal);
      const [code] = (await closed) as [number | null];
      return { code, stdout, stderr };
    },
  };
}

/** Runs the program with something on its standard input. */
async function runWithInput(input: string, ...args: readonly string[]): Promise<TranshipRun> {
  const child = spawn(process.execPath, [transhipMain, ...args]);
  child.stdin.end(input);
  const texts = [child.stdout, child.stderr].map(async (stream) =>
    (await stream.setEncoding("utf8").toArray()).join(""),
  );
  const [code] = (await once(child, "close")) as [number | null];
  const [stdout = "", stderr = ""] = await Promise.all(texts);
  return { code, stdout, stderr };
}

async function pushOne(registry: Registry, path: string): Promise<ReturnType<typeof anImage>> {
  const image = anImage({ tag: "v1" });
  await pushImage(registry, path, image);
  return image;
}

/** Files with a certificate for this machine's own address, which vouches for itself, and its key. */
function aCertificate(): { readonly cert: string; readonly key: string } {
  const folder = tempFolder();
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"];
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"];
  execFileSync(openssl, ["req", "-x509", ...curve, "-keyout", key, "-out", cert, ...names], { stdio: "ignore" });
  return { cert, key };
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
}

function linesOf(text: string): readonly Record<string, unknown>[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

describe("a directory of image layouts", () => {
  test("takes pushes and deletes when it may, and has them after a restart", async () => {
    const data = join(tempFolder(), "data");
    const first = await serve([`oci:${data}`, "--writable"]);
    await using client = createRegistry(first.host);
    const image = await pushOne(client, "team/app");
    await pushOne(client, "team/app/deep");
    expect((await first.ended("SIGTERM")).stdout).toContain(`serving oci:${data} on ${first.url}, writable`);
    const second = await serve([`oci:${data}`, "--writable"]);
    await using again = createRegistry(second.host);
    expect(await Array.fromAsync(again.repositories())).toEqual(["team/app", "team/app/deep"]);
    expect((await again.repository("team/app").manifest("v1")).bytes).toEqual(image.manifest.bytes);
    const gone = await fetch(`${second.url}/v2/team/app/manifests/v1`, { method: "DELETE" });
    expect(gone.status).toBe(202);
    expect(await (await LayoutRegistry.open(data)).repository("team/app").resolve("v1")).toBeUndefined();
  });

  test.skipIf(lacking("skopeo").length > 0)("is one that skopeo pushes to, and reads with no server", async () => {
    const [source, data] = [tempFolder(), tempFolder()];
    const image = await pushOne(await LayoutRegistry.open(source), "");
    const skopeo = async (...args: readonly string[]) => (await run("skopeo", ["--insecure-policy", ...args])).stdout;
    const first = await serve([`oci:${data}`, "--writable"]);
    const place = `docker://${first.host}/team/app:v1`;
    await skopeo("copy", "--dest-tls-verify=false", "--preserve-digests", `oci:${source}:v1`, place);
    await first.ended("SIGTERM");
    const { digest } = image.manifest.descriptor;
    const raw = await skopeo("inspect", "--raw", `oci:${data}/team/app:v1`);
    expect(raw).toBe(new TextDecoder().decode(image.manifest.bytes));
    const second = await serve([`oci:${data}`]);
    const found = await skopeo("inspect", "--tls-verify=false", `docker://${second.host}/team/app:v1`);
    expect(JSON.parse(found)).toMatchObject({ Digest: digest });
  });

  test("is read-only unless told otherwise, and left as it is", async () => {
    const data = tempFolder();
    const image = await pushOne(await LayoutRegistry.open(data), "app");
    const before = filesIn(data);
    const served = await serve([`oci:${data}`]);
    await using client = createRegistry(served.host, { attempts: 1 });
    expect((await client.repository("app").manifest("v1")).bytes).toEqual(image.manifest.bytes);
    await expect(pushOne(client, "other")).rejects.toMatchObject({ code: expect.any(String) });
    const deleted = await fetch(`${served.url}/v2/app/manifests/v1`, { method: "DELETE" });
    expect(deleted.status).toBe(405);
    expect(await client.repository("none").resolve("v1")).toBeUndefined();
    expect((await served.ended("SIGTERM")).stdout).toContain("read-only");
    expect(filesIn(data)).toEqual(before);
  });

  test("is a place to pull from, push to and verify", async () => {
    await using origin = await startTestRegistry();
    await using client = createRegistry(`${origin.host}/demo/fe`);
    await seedProduct(client);
    const folder = tempFolder();
    const [bundle, layouts, file] = [join(folder, "bundle"), join(folder, "layouts"), join(folder, "plan.json")];
    expect((await runProgram("pull", bundle, "--source", `${origin.host}/demo/fe`)).code).toBe(0);
    expect(await runProgram("push", bundle, `oci:${layouts}`)).toMatchObject({ code: 0 });
    expect((await runProgram("plan", "--source", `oci:${layouts}`, "-o", file)).code).toBe(0);
    const { archives } = JSON.parse(readFileSync(file, "utf8")) as { archives: { blobs: unknown[] }[] };
    const original = await plan([new PackagesService({ source: client })]);
    expect(archives.length).toBe(original.archives.length);
    const verified = await runProgram("verify", `oci:${layouts}`, "--plan", file);
    expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining("is whole") });
    const again = join(folder, "again");
    expect((await runProgram("pull", again, "--source", `oci:${layouts}`)).code).toBe(0);
    expect(await runProgram("verify", again)).toMatchObject({ code: 0 });
  });
});

test("a bundle is read in place, and never written", async () => {
  await using origin = await startTestRegistry();
  await using client = createRegistry(`${origin.host}/demo/fe`);
  await seedProduct(client);
  const bundle = join(tempFolder(), "bundle");
  expect((await runProgram("pull", bundle, "--source", `${origin.host}/demo/fe`)).code).toBe(0);
  const before = filesIn(bundle);
  const served = await serve([`bundle:${bundle}`]);
  const lock = join(bundle, "tranship.lock.json");
  const verified = await runProgram("verify", `registry:${served.host}`, "--plan", lock);
  expect(verified).toMatchObject({ code: 0, stdout: expect.stringContaining("is whole") });
  await served.ended("SIGTERM");
  expect(filesIn(bundle)).toEqual(before);
  expect(await runProgram("serve", `bundle:${bundle}`, "--writable")).toMatchObject({ code: 2 });
});

describe("told to stop", () => {
  test.for([
    { signal: "SIGTERM", code: 0 },
    { signal: "SIGINT", code: 130 },
  ] as const)("by $signal it ends with $code", async ({ signal, code }) => {
    const ended = await (await serve([`oci:${tempFolder()}`])).ended(signal);
    expect(ended).toMatchObject({ code, stderr: "" });
    expect(ended.stdout).toContain("stopped after 0 requests");
  });

  test("it finishes the upload that runs, and takes no new request", async () => {
    const data = tempFolder();
    const served = await serve([`oci:${data}`, "--writable"]);
    const blob = aBlob({ size: 100_000 });
    const opened = await fetch(`${served.url}/v2/app/blobs/uploads/`, { method: "POST" });
    const session = new URL(opened.headers.get("location") ?? "", served.url);
    session.searchParams.set("digest", blob.digest);
    const headers = { "content-length": blob.size, expect: "100-continue" };
    const upload = httpRequest(session, { method: "PUT", headers });
    const answered = once(upload, "response");
    upload.flushHeaders();
    await once(upload, "continue"); // it is being served
    upload.write(blob.bytes.subarray(0, 1000));
    const over = served.ended("SIGTERM");
    await expect
      .poll(() =>
        fetch(`${served.url}/v2/`).then(
          () => "open",
          () => "closed",
        ),
      )
      .toBe("closed");
    upload.end(blob.bytes.subarray(1000));
    const [response] = await answered;
    expect(response.statusCode).toBe(201);
    response.resume();
    expect(await over).toMatchObject({ code: 0 });
    expect(await (await LayoutRegistry.open(data)).repository("app").statBlob(blob.digest)).toEqual({
      size: blob.size,
    });
  });
});

describe("access", () => {
  const login = ["--login", "ann", "--password-stdin"];
  const access = ["--registry-login", "ann", "--registry-password-stdin"];

  test("with a login, only who knows the password is let in", async () => {
    const data = tempFolder();
    await pushOne(await LayoutRegistry.open(data), "app");
    const served = await serve([`oci:${data}`, ...login], "s3cret pass\n");
    expect((await fetch(`${served.url}/v2/app/tags/list`)).status).toBe(401);
    const verify = ["plan", "--source", served.host, ...access, "--no-packages"];
    const refused = await runWithInput("wrong", ...verify);
    expect(refused.code).toBe(1);
    expect(refused.stderr).not.toContain("wrong");
    expect(await runWithInput("s3cret pass\r\n", ...verify)).toMatchObject({ code: 0 });
    const ended = await served.ended("SIGTERM");
    expect(ended.stdout + ended.stderr).not.toContain("s3cret");
  });

  test("without a login, what docker logged in with is used", async () => {
    const served = await serve([`oci:${tempFolder()}`, ...login], "s3cret");
    const config = tempFolder();
    const auth = Buffer.from("ann:s3cret").toString("base64");
    writeFileSync(join(config, "config.json"), JSON.stringify({ auths: { [served.host]: { auth } } }));
    const args = [transhipMain, "plan", "--source", served.host, "--no-packages"];
    const planned = await run(process.execPath, args, { env: { ...process.env, DOCKER_CONFIG: config } });
    expect(planned.stderr).toContain("warning: "); // it has no catalog
  });

  const hasOpenssl = lacking(openssl).length === 0;

  test.skipIf(!hasOpenssl)("with a certificate it speaks HTTPS, to who trusts it", async () => {
    const { cert, key } = aCertificate();
    const served = await serve([`oci:${tempFolder()}`, "--tls-cert", cert, "--tls-key", key]);
    expect(served.url).toMatch(/^https:/);
    const ask = ["plan", "--source", served.host, "--no-packages"];
    expect(await runProgram(...ask, "--ca", cert)).toMatchObject({ code: 0 });
    expect(await runProgram(...ask, "--tls-skip-verify")).toMatchObject({ code: 0 });
    const other = await runProgram(...ask, "--ca", aCertificate().cert);
    expect(other.code).toBe(1);
    expect(other.stderr).toContain("--ca");
  });

  test.skipIf(!hasOpenssl)("a registry that asks who we are is shown the client's certificate", async () => {
    const [own, ann] = [aCertificate(), aCertificate()];
    const [cert, key, clientCa] = [own.cert, own.key, ann.cert].map((path) => readFileSync(path, "utf8"));
    await using registry = await startTestRegistry({ tls: { cert: cert ?? "", key: key ?? "", clientCa } });
    const ask = ["plan", "--source", registry.host, "--no-packages", "--ca", own.cert];
    expect(await runProgram(...ask, "--client-cert", ann.cert, "--client-key", ann.key)).toMatchObject({ code: 0 });
    expect(await runProgram(...ask)).toMatchObject({ code: 1 });
  });

  test.for([
    {
      name: "without a password, writes are open to all",
      args: ["--writable"],
      input: "",
      says: "may write and delete",
    },
    { name: "with a password but no TLS, the password is not safe", args: login, input: "x", says: "in the clear" },
  ])("on an address others reach, it warns: $name", async ({ args, input, says }) => {
    const served = await serve([`oci:${tempFolder()}`, "--listen", ":0", ...args], input);
    const { stderr } = await served.ended("SIGTERM");
    expect(stderr).toContain("warning: ");
    expect(stderr).toContain(says);
  });
});

test("with --verbose it tells of each request, with --json as events with a report at the end", async () => {
  const people = await serve([`oci:${tempFolder()}`, "--verbose"]);
  await fetch(`${people.url}/v2/app/tags/list?n=1&secret=x`);
  const { stdout, stderr } = await people.ended("SIGTERM");
  expect(stderr).toBe("GET /v2/app/tags/list 404\n");
  expect(stdout.trim().split("\n")).toHaveLength(2);

  const data = tempFolder();
  const machines = await serve([`oci:${data}`, "--verbose", "--json"]);
  await fetch(`${machines.url}/v2/`);
  expect(linesOf((await machines.ended("SIGINT")).stdout)).toEqual([
    { type: "server.listening", url: machines.url, place: `oci:${data}`, writable: false },
    { type: "request.answered", method: "GET", path: "/v2/", status: 200 },
    { type: "report", command: "serve", requests: 1 },
  ]);
});

describe("what fails here is told to who runs the server, and not to who asked", () => {
  test("in place of an answer", async () => {
    const data = tempFolder();
    writeFileSync(join(data, "app"), "a file in the way");
    const server = await serve([`oci:${data}`, "--writable"]);
    const image = anImage({ tag: "v1" });
    const headers = { "content-type": image.manifest.descriptor.mediaType };
    const url = `${server.url}/v2/app/manifests/v1`;
    const answer = await fetch(url, { method: "PUT", headers, body: new Uint8Array(image.manifest.bytes) });
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain(data);
    const { stderr } = await server.ended("SIGTERM");
    expect(stderr).toMatch(new RegExp(`^PUT /v2/app/manifests/v1 failed: cannot use ${data}/app: .*\n$`));
  });

  test.skipIf(noTmpfs !== undefined)("with the folder that is full, where that is the one for uploads", async () => {
    const [data, spool] = [tempFolder(), tmpfs(500_000)];
    const server = await serve([`oci:${data}`, "--writable"], "", { TMPDIR: spool });
    const [large, small] = [aBlob({ size: 1_000_000 }), aBlob({ size: 100_000 })];
    const push = async ({ digest, bytes }: typeof large) => {
      const url = `${server.url}/v2/app/blobs/uploads/?digest=${digest}`;
      return (await fetch(url, { method: "POST", body: new Uint8Array(bytes) })).status;
    };
    expect([await push(large), await push(small)]).toEqual([507, 201]); // nothing of what failed takes up room
    const { stderr } = await server.ended("SIGTERM");
    expect(stderr).toMatch(
      new RegExp(`^POST /v2/app/blobs/uploads/ failed: cannot spool an upload in ${spool}: ENOSPC: .*\n$`),
    );
  });

  test.skipIf(noTmpfs !== undefined)("with a 507, where the folder of the content is full", async () => {
    const data = tmpfs(500_000);
    const server = await serve([`oci:${data}`, "--writable"]);
    const { digest, bytes } = aBlob({ size: 1_000_000 });
    const url = `${server.url}/v2/app/blobs/uploads/?digest=${digest}`;
    const answer = await fetch(url, { method: "POST", body: new Uint8Array(bytes) });
    expect([answer.status, await answer.text()]).toEqual([507, expect.stringContaining("no room left")]);
    const { stderr } = await server.ended("SIGTERM");
    expect(stderr).toContain(`failed: cannot write ${data}/app/`);
  });

  test("in the middle of one", async () => {
    const data = tempFolder();
    const blob = aBlob({ size: 1_000_000 });
    const layouts = await LayoutRegistry.open(data);
    const { path } = layouts.repository("app");
    await layouts.repository("app").pushBlob(blob, async function* () {
      yield blob.bytes;
    });
    writeFileSync(join(path, "blobs", ...blob.digest.split(":")), new Uint8Array(1_000_000));
    const server = await serve([`oci:${data}`, "--json"]);
    const broken = fetch(`${server.url}/v2/app/blobs/${blob.digest}`).then((answer) => answer.bytes());
    await expect(broken).rejects.toThrow();
    expect(linesOf((await server.ended("SIGTERM")).stdout)).toContainEqual({
      type: "request.failed",
      method: "GET",
      path: `/v2/app/blobs/${blob.digest}`,
      reason: expect.stringContaining("its bytes hash to"),
    });
  });
});

test("a layout given in place of the folder above it is told so", async () => {
  const data = tempFolder();
  await pushOne(await LayoutRegistry.open(data), "app");
  const wrong = await serve([`oci:${join(data, "app")}`]);
  expect((await wrong.ended("SIGTERM")).stderr).toMatch(/^warning: .* give the folder above it\n$/);
  const right = await serve([`oci:${data}`]);
  expect((await right.ended("SIGTERM")).stderr).toBe("");
});

test("an address in use is told with what to do about it", async () => {
  const first = await serve([`oci:${tempFolder()}`]);
  const { code, stderr } = await runProgram("serve", `oci:${tempFolder()}`, "--listen", first.host);
  expect(code).toBe(1);
  expect(stderr).toContain(`cannot listen on ${first.host}: something listens there already`);
  expect(stderr).toContain("--listen");
});

describe("wrong usage ends with 2 and makes nothing", () => {
  test.for([
    { name: "a folder that is not there", args: ["oci:DIR/none"] },
    { name: "a bundle that is not there", args: ["bundle:DIR/none"] },
    { name: "a bundle to write", args: ["bundle:DIR", "--writable"] },
    { name: "a remote registry", args: ["registry:localhost:1/a"] },
    { name: "a place of no folder", args: ["oci:"] },
    { name: "an address without a port", args: ["oci:DIR", "--listen", "localhost"] },
    { name: "a port that is none", args: ["oci:DIR", "--listen", ":70000"] },
    { name: "a login without a password", args: ["oci:DIR", "--login", "ann"] },
    { name: "a password without a login", args: ["oci:DIR", "--password-stdin"] },
    { name: "a password on an empty input", args: ["oci:DIR", "--login", "ann", "--password-stdin"] },
    { name: "a certificate without its key", args: ["oci:DIR", "--tls-cert", "x.pem"] },
    { name: "certificates that are not there", args: ["oci:DIR", "--tls-cert", "DIR/x.pem", "--tls-key", "DIR/x.pem"] },
  ])("$name", async ({ args }) => {
    const folder = tempFolder();
    const { code, stdout, stderr } = await runProgram("serve", ...args.map((arg) => arg.replace("DIR", folder)));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^tranship: /);
    expect(filesIn(folder)).toEqual([]);
  });

  test.for([
    { name: "a client certificate without its key", args: ["--client-cert", "x.pem"] },
    { name: "a key without its certificate", args: ["--client-key", "x.pem"] },
    { name: "certificates to trust that are not there", args: ["--ca", "/nowhere/x.pem"] },
    { name: "a password on standard input for nobody", args: ["--registry-password-stdin"] },
    { name: "two passwords", args: ["--registry-login", "a", "--registry-password", "b", "--registry-password-stdin"] },
  ])("$name", async ({ args }) => {
    const { code, stdout } = await runProgram("plan", "--source", "localhost:1/a", ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});
