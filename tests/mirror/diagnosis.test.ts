import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync } from "node:fs";
import { createServer as createWebServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { isMirrorError, MirrorError, PackagesService, plan } from "@tranship/core";
import { DepsError } from "@tranship/core/deps";
import { createRegistry, RegistryError, type RegistryErrorCode, type Tag } from "@tranship/registry";
import { anImage, anIndex, faults, startTestRegistry, type TestRegistry } from "@tranship/registry/testing";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { diagnose } from "../../packages/cli/src/diagnosis/diagnose.ts";
import type { Diagnosis } from "../../packages/cli/src/diagnosis/diagnosis.ts";
import { diagnosisClasses } from "../../packages/cli/src/diagnosis/diagnosis-class.ts";
import { formatFailure } from "../../packages/cli/src/print/failure.ts";
import { HumanOutput } from "../../packages/cli/src/print/output.ts";
import { CertificateAuthority, canMakeCertificates, type KeyPair } from "../support/certificates.ts";
import { idleProgram } from "../support/idle-program.ts";
import { aSource, pullInto } from "../support/mirror.ts";
import { runProgram } from "../support/run-program.ts";
import { transhipMain } from "../support/run-tranship.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { noTmpfs, tmpfs } from "../support/tmpfs.ts";

const everything = { match: () => true, times: 99 };

/** What the program says of a failure in JSON, and what it exits with. */
async function failureOf(...args: readonly string[]): Promise<Diagnosis> {
  const { code, stdout, stderr } = await runProgram(...args, "--json");
  expect(code).toBe(1);
  const failure = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as Diagnosis & { readonly type: string };
  expect(failure.type).toBe("failure");
  expect(stderr).toBe(`tranship: ${failure.message}\n`);
  return failure;
}

/** The same for what may pass: asked once, so that nobody waits for the attempts after it. */
async function failureOfOnce(place: string): Promise<Diagnosis> {
  await using source = createRegistry(place, { attempts: 1 });
  const error = await plan([new PackagesService({ source })]).then(
    () => expect.unreachable("it was to fail"),
    (reason: unknown) => reason,
  );
  expect(isMirrorError(error, "TRANSFER_FAILED")).toBe(true);
  return diagnose(error, "plan");
}

const advised = ({ causes }: Diagnosis) => causes.flatMap(({ advice }) => advice).join("\n");

/** Listens on a free port for as long as the test runs. */
async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Runs the program as a user who owns nothing. */
async function asNobody(...args: readonly string[]): Promise<{ readonly code: number; readonly stdout: string }> {
  const ids = ["--reuid=65534", "--regid=65534", "--clear-groups"];
  const child = spawn("setpriv", [...ids, process.execPath, transhipMain, ...args], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const stdout = text(child.stdout);
  const [code] = (await once(child, "close")) as [number];
  return { code, stdout: await stdout };
}

function caught(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

const aWebServer = (listener: RequestListener) => listening(createWebServer(listener));

describe("the network", () => {
  test("a port where nobody listens", async () => {
    const server = createServer();
    const host = await listening(server);
    await new Promise((resolve) => server.close(resolve));
    const failure = await failureOfOnce(`${host}/demo`);
    expect(failure).toMatchObject({ class: "network", code: "TRANSFER_FAILED" });
    expect(failure.category).toContain(`refused (${host})`);
    expect(failure.chain.at(-1)).toContain("ECONNREFUSED");
    expect(advised(failure)).toContain("--source");
    expect(advised(failure)).not.toContain("--insecure"); // where nobody listens, nobody speaks plain HTTP either
  });

  test("a host that hangs up before it answers, and one that does in the middle of an answer", async () => {
    expect(
      await failureOfOnce(`${await listening(createServer((socket) => void socket.destroy()))}/demo`),
    ).toMatchObject({
      class: expect.stringMatching(/^connection-ended$|^network$/),
    });
    const cut = await aWebServer((_request, response) => {
      response.writeHead(200, { "content-length": 1000, "content-type": "application/json" });
      response.write('{"tags":', () => response.destroy());
    });
    const failure = await failureOfOnce(`${cut}/demo`);
    expect(failure.class).toBe("connection-ended");
    expect(advised(failure)).toContain("HTTPS_PROXY");
  });

  test.for([
    { name: "whose name nobody knows", proxy: "nowhere.invalid:3128", says: "the proxy cannot be reached" },
    { name: "of another kind", proxy: "socks5://127.0.0.1:1", says: "the proxy's address cannot be used" },
  ])("a proxy $name, and not the registry behind it", async ({ proxy, says }) => {
    const listing = async () => {
      await using registry = createRegistry("registry.invalid/demo", { proxy, attempts: 1 });
      return await Array.fromAsync(registry.repository("a").tags());
    };
    const error: unknown = await listing().catch((thrown: unknown) => thrown);
    expect(diagnose(error, "plan")).toMatchObject({ class: "proxy", category: says });
  });

  test("a name that nobody knows", async () => {
    const failure = await failureOfOnce("nowhere.invalid:5000/demo");
    expect(failure).toMatchObject({ class: "dns", category: "the host name could not be resolved: nowhere.invalid" });
  });

  test("a server that never answers, with --access-timeout", async () => {
    const host = await listening(createServer(() => {}));
    const failure = await failureOf("plan", "--source", `${host}/demo`, "--access-timeout", "0.05");
    expect(failure.class).toBe("timeout");
    expect(advised(failure)).toContain("--access-timeout");
  });
});

describe.skipIf(!canMakeCertificates)("TLS", () => {
  let authority: { readonly cert: string; readonly pairs: Readonly<Record<string, KeyPair>> };
  beforeAll(() => {
    using ours = new CertificateAuthority();
    const pairs = {
      right: ours.issue({ altNames: "IP:127.0.0.1" }),
      other: ours.issue({ altNames: "DNS:other.example" }),
      old: ours.issue({ altNames: "IP:127.0.0.1", days: -1 }),
    };
    authority = { cert: ours.cert, pairs };
  });

  /** Asks a server with one of these certificates, the authority being trusted or not. */
  async function askedOver(pair: KeyPair | undefined, isTrusted: boolean): Promise<Diagnosis> {
    await using registry = await startTestRegistry(pair ? { tls: pair } : {});
    const { cert } = authority;
    await using source = createRegistry(registry.host, { insecure: false, ...(isTrusted ? { ca: cert } : {}) });
    const error = await plan([new PackagesService({ source })]).catch((reason: unknown) => reason);
    return diagnose(error, "plan");
  }

  test.for([
    {
      name: "an authority that is not trusted",
      pair: "right",
      isTrusted: false,
      of: "tls-unknown-authority",
      advice: "--ca",
    },
    { name: "another host's certificate", pair: "other", isTrusted: true, of: "tls-host-name", advice: "name it as" },
    { name: "a certificate that ran out", pair: "old", isTrusted: true, of: "tls-expired", advice: "date" },
    { name: "plain HTTP behind https", pair: "none", isTrusted: true, of: "tls-plain-http", advice: "--insecure" },
  ])("$name", async ({ pair, isTrusted, of, advice }) => {
    const failure = await askedOver(authority.pairs[pair], isTrusted);
    expect(failure.class).toBe(of);
    expect(advised(failure)).toContain(advice);
  });

  test("a registry that speaks TLS, asked in plain HTTP", async () => {
    const host = await listening(createServer((socket) => void socket.end(Buffer.from("15030300020228", "hex"))));
    expect((await failureOf("plan", "--source", host)).class).toBe("tls-expected");
  });
});

describe("the answers of a registry", () => {
  const login = { credentials: { username: "robot", password: "right" } };

  test("401: credentials that are not the right ones; the password shows nowhere", async () => {
    await using registry = await startTestRegistry(login);
    const args = ["--registry-login", "robot", "--registry-password", "s3cret-and-wrong"];
    const run = await runProgram("plan", "--source", registry.host, ...args);
    expect(run.code).toBe(1);
    expect(run.stdout + run.stderr).not.toContain("s3cret");
    expect(
      run.stderr.match(/^warning: others on this machine can see the value of --registry-password/gm),
    ).toHaveLength(1);
    const failure = await failureOf("plan", "--source", registry.host, ...args);
    expect(failure.class).toBe("authentication");
    expect(advised(failure)).toContain("--license TOKEN");
    expect(JSON.stringify(failure)).not.toContain("s3cret");
  });

  test.for([
    { status: 403, of: "access-denied", says: "--proxy-registry", headers: {} },
    { status: 429, of: "rate-limited", says: "--registry-login NAME", headers: { "retry-after": "4000" } },
    { status: 429, of: "rate-limited", says: "wait 4000 seconds", headers: { "retry-after": "4000" } },
    { status: 503, of: "server-error", says: "log", headers: { "retry-after": "4000" } },
    { status: 418, of: "request-refused", says: "tranship doctor", headers: {} },
  ])("$status is $of, with $says", async ({ status, of, says, headers }) => {
    await using registry = await startTestRegistry();
    registry.fail(faults.status(status, { headers }), everything);
    const failure = await failureOf("plan", "--source", `${registry.host}/demo`);
    expect(failure.class).toBe(of);
    expect(failure.category).toContain(String(status));
    expect(advised(failure)).toContain(says);
  });

  test("a web server with a page in place of an API", async () => {
    const page = "<!doctype html><title>Welcome</title>";
    const host = await aWebServer((_request, response) => response.setHeader("content-type", "text/html").end(page));
    expect((await failureOf("plan", "--source", `${host}/demo`)).class).toBe("not-a-registry");
  });

  test("an image that is missing, and a repository", async () => {
    await using registry = await aSource();
    const { code, stdout } = await runProgram(
      ...["plan", "--source", `${registry.host}/demo/fe`, "--include-package", "console@=v9.9.9", "--json"],
    );
    expect([code, JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}")]).toMatchObject([
      1,
      { class: "image-not-found" },
    ]);
    await using source = createRegistry(registry.host);
    const gone = await Array.fromAsync(source.repository("not/there").tags()).catch((error: unknown) => error);
    expect(diagnose(gone, "inventory").class).toBe("repository-not-found");
  });

  test.for([
    ["NOT_FOUND", "repository-not-found"], // Harbor of a project that is not there
    ["NAME_UNKNOWN", "repository-not-found"],
    ["MANIFEST_BLOB_UNKNOWN", "image-not-found"],
  ])("a target that answers a push with %s", ([code = "", of]) => {
    const cause = new RegistryError("NOT_FOUND", "no", { registry: "h", reference: "h/a", errors: [{ code }] });
    expect(diagnose(cause, "push").class).toBe(of);
  });

  test("a tag and a platform that nothing at the source is", async () => {
    await using registry = await startTestRegistry();
    registry.seed(
      "app",
      anIndex({ images: [anImage()], platforms: [{ os: "linux", architecture: "arm64" }], tag: "1.0.0" }),
    );
    for (const wanted of [["@^9"], [":1.0.0", "--platform", "linux/s390x"]]) {
      const [query, ...flags] = wanted;
      const failure = await failureOf("plan", "--image", `${registry.host}/app${query}`, ...flags);
      expect(failure).toMatchObject({ class: "image-not-found", details: { isThere: true } });
      expect(advised(failure)).toContain("--explain");
      expect(advised(failure)).not.toContain("spelling");
    }
  });

  test("a manifest of docker's schema 1 is an image that cannot be used, not a web page", async () => {
    const schema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    const host = await aWebServer((_request, response) => {
      response.setHeader("content-type", schema1).end('{"schemaVersion":1,"name":"app","tag":"v1"}');
    });
    await using source = createRegistry(host);
    const error = await source
      .repository("app")
      .manifest("v1" as Tag)
      .catch((reason: unknown) => reason);
    const failure = diagnose(error, "verify");
    expect(failure).toMatchObject({ code: "INVALID_MANIFEST", class: "image" });
    expect(failure.message).toContain(schema1);
    expect(advised(failure)).toContain("push it anew");
  });

  test("bytes that are not the ones asked for", async () => {
    await using registry = await startTestRegistry();
    const image = anImage({ tag: "v1" });
    registry.seed("app", image);
    registry.failOnce(faults.corrupt());
    await using source = createRegistry(registry.host, { attempts: 1 });
    const reading = source.repository("app").manifest(image.manifest.descriptor.digest);
    expect(diagnose(await reading.catch((error: unknown) => error), "repair").class).toBe("corrupt");
  });
});

describe("this machine", () => {
  test("a folder that cannot be made is one to write, whatever the command; the advice names it", () => {
    const error = (path: string, syscall: string) =>
      Object.assign(new Error("no"), { code: "EACCES", path, syscall }) as Error;
    expect(advised(diagnose(error("/srv/made", "mkdir"), "serve"))).toBe(
      "give a folder this user may write, or run as the user who owns it\nlook at its rights and its owner: `ls -ld /srv/made`",
    );
    const hostile = advised(diagnose(error("/srv/$(reboot)", "open"), "serve"));
    expect(hostile).toContain("let this user read");
    expect(hostile).not.toContain("reboot");
  });

  test.skipIf(noTmpfs !== undefined)("a full disk", async () => {
    await using registry = await aSource();
    const failure = await failureOf("pull", join(tmpfs(8192), "b"), "--source", `${registry.host}/demo/fe`);
    expect(failure.class).toBe("disk-full");
    expect(advised(failure)).toContain("goes on where it stopped");
    expect(advised(failure)).toContain("`tranship plan`");
  });

  test.skipIf(process.getuid?.() !== 0 || spawnSync("setpriv", ["--version"]).status !== 0)(
    "a folder that belongs to somebody else",
    async () => {
      await using registry = await aSource();
      const folder = tempFolder();
      mkdirSync(join(folder, "b"));
      chmodSync(folder, 0o755);
      const args = ["pull", join(folder, "b"), "--source", `${registry.host}/demo/fe`, "--json"];
      const { code, stdout } = await asNobody(...args);
      expect([code, JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}")]).toMatchObject([1, { class: "permission" }]);
    },
  );

  test("a bundle that is not finished, and one that is none", async () => {
    expect((await failureOf("verify", tempFolder())).class).toBe("bundle");
  });
});

describe("what is shown", () => {
  test("is the class, the errors from the outside in without repeats, and causes with advice", async () => {
    await using registry = await startTestRegistry();
    registry.fail(faults.status(403), everything);
    const { stderr } = await runProgram("plan", "--source", `${registry.host}/demo`);
    const lines = stderr.trimEnd().split("\n");
    expect(lines.slice(0, 3)).toEqual([
      `tranship: the registry refuses access (403, ${registry.host})`,
      expect.stringMatching(/^ {2}cannot list the packages in catalog .*\/demo\/packages: /),
      expect.stringMatching(/^ {4}↳ cannot list tags of .*: 403 Forbidden: injected by a test$/),
    ]);
    expect(stderr.match(/403 Forbidden/g)).toHaveLength(1);
    expect(stderr).toMatch(/^ {2}\* this user may not read this path$/m);
    expect(stderr).toMatch(/^ {4}-> ask the registry's administrator/m);
  });

  test("is short where one cause is all there is", () => {
    const error = new MirrorError("BUNDLE_LOCKED", "cannot write b: process 7 does", { bundle: "b" });
    expect(formatFailure(diagnose(error, "pull"))).toBe(
      "tranship: somebody else is writing the bundle\n  cannot write b: process 7 does\n  -> wait for it, or stop it\n",
    );
  });

  test("has colours on a terminal only, and none where they are not wanted", () => {
    const shown = (isTTY: boolean, environment: Readonly<Record<string, string>>) => {
      let said = "";
      const output = new HumanOutput({ write() {} }, { isTTY, write: (text) => (said += text) }, { environment });
      output.failure(new MirrorError("BUNDLE_NOT_FOUND", "there is no bundle at b", { bundle: "b" }));
      return said.includes("\u001b[31mtranship:");
    };
    expect([shown(true, {}), shown(false, {}), shown(true, { NO_COLOR: "1" })]).toEqual([true, false, false]);
  });

  test("holds no secret and nothing a terminal obeys, however deep it lies", () => {
    const below = new Error(
      "GET https://ann:hunter2@h/v2/?sig=hunter3 with Bearer hunter4hunter4 and token=hunter5 \u001b[2Jfailed",
    );
    const error = new RegistryError(
      "PROTOCOL",
      "cannot read h/a:v1",
      { registry: "h", reference: "h/a:v1", reason: "" },
      {
        cause: below,
      },
    );
    const diagnosis = diagnose(error, "pull");
    expect(diagnosis.chain[1]).toContain("GET https://…@h/v2/?… with Bearer …");
    expect(JSON.stringify([diagnosis, formatFailure(diagnosis)])).not.toMatch(/hunter|\\u001b/);
  });

  test("keeps what only looks like a secret", () => {
    const message =
      "cannot get a token: 401, it wants bearer credentials, basic authentication; password: see h/a@sha256:12";
    expect(diagnose(new Error(message)).message).toBe(message);
  });

  test("names a file's failure as such, whoever threw it", () => {
    const error = () => readFileSync(join(tempFolder(), "away"));
    expect(diagnose(caught(error), "inspect").class).toBe("file");
  });

  test("survives what is no error, and errors in a circle", () => {
    expect(diagnose("just so")).toMatchObject({ class: "unknown", chain: ["just so"] });
    const error = new Error("round");
    error.cause = error;
    expect(diagnose(error).chain).toEqual(["round"]);
  });
});

describe("advice", () => {
  const registry = { registry: "h", reference: "h/a" };
  const of = (code: RegistryErrorCode, more: object = {}) =>
    new RegistryError(code, code, { ...registry, ...more } as never) as RegistryError;
  const network = (reason: string) => of("NETWORK", { reason });
  const tls = (reason: string) => of("TLS", { reason });
  const errors: readonly RegistryError[] = [
    ...[
      "ECONNREFUSED",
      "ECONNRESET",
      "EHOSTUNREACH",
      "ENOTFOUND",
      "UND_ERR_SOCKET",
      "PROXY_DENIED",
      "PROXY_UNREACHABLE",
    ].map(network),
    of("UNSUPPORTED", { operation: "use a proxy" }),
    ...["CERT_HAS_EXPIRED", "EPROTO", "SELF_SIGNED_CERT_IN_CHAIN", "HOSTNAME_MISMATCH", "INVALID_CA", "ODD"].map(tls),
    ...(["UNAUTHORIZED", "FORBIDDEN", "RATE_LIMITED", "TIMEOUT", "NOT_FOUND", "PROTOCOL"] as const).map((code) =>
      of(code),
    ),
    of("NOT_FOUND", { errors: [{ code: "NAME_UNKNOWN" }] }),
    of("SERVER_ERROR", { status: 502 }),
    of("UNEXPECTED_STATUS", { status: 413 }),
    of("DIGEST_MISMATCH"),
    of("CREDENTIALS_UNUSABLE"),
  ];

  test.for(["plan", "pull", "repair", "push", "verify", "inventory", "deps"])(
    "for %s speaks of its own flags only",
    (name) => {
      const command = idleProgram().commands.find((one) => one.name() === name);
      const known = new Set(command?.options.map(({ long }) => long));
      for (const cause of errors) {
        const side = name === "push" ? "target" : "source";
        const [what, url] = ["it failed", "http://files.example/a"];
        const failure =
          name === "deps"
            ? new DepsError("TRANSFER_FAILED", what, { item: "a", url, failure: "invalid", code: "" }, { cause })
            : new MirrorError("TRANSFER_FAILED", what, { side, reference: "h/a", failure: "invalid" }, { cause });
        const diagnosis = diagnose(failure, name);
        expect(diagnosis.class).not.toBe("unknown");
        const advice = JSON.stringify(diagnosis.causes).replace(/`[^`]*`/g, "");
        const unknown = (advice.match(/--[a-z][a-z-]*/g) ?? []).filter((flag) => !known.has(flag));
        expect(unknown, cause.message).toEqual([]);
      }
    },
  );

  test("about a file of a web server does not speak of registries", () => {
    const details = { item: "a", url: "http://files.example/a", failure: "transient", code: "" } as const;
    const failure = new DepsError("TRANSFER_FAILED", "it failed", details, { cause: network("ECONNREFUSED") });
    const advice = JSON.stringify(diagnose(failure, "deps").causes);
    expect(advice).toContain("`curl -v http://files.example/a`");
    expect(advice).not.toMatch(/is the registry running|v2/);
  });
});

test("of a sync, advice about the trust in a registry is about the side that failed", () => {
  const cause = new RegistryError("TLS", "no", {
    registry: "h",
    reference: "h/a",
    reason: "SELF_SIGNED_CERT_IN_CHAIN",
  });
  const failedAt = (side: "source" | "target") =>
    new MirrorError("TRANSFER_FAILED", "it failed", { side, reference: "h/a", failure: "denied" }, { cause });
  const advice = (side: "source" | "target") => JSON.stringify(diagnose(failedAt(side), "sync").causes);
  expect(advice("source")).toMatch(/--source-tls-skip-verify .*--ca FILE|--ca FILE.*--source-tls-skip-verify/);
  expect(advice("source")).not.toContain("--tls-skip-verify");
  expect(advice("target")).toContain("--tls-skip-verify");
});

test("a registry that lists its repositories for nobody it does not know is asked again with credentials", () => {
  const cause = new RegistryError("UNAUTHORIZED", "no", { registry: "h", reference: "h" });
  const error = new MirrorError("REPOSITORIES_UNKNOWN", "h does not say", { registry: "h" } as never, { cause });
  expect(JSON.stringify(diagnose(error, "inventory").causes[0])).toContain("--registry-login");
});

test("the guide lists every class", () => {
  const guide = readFileSync(new URL("../../docs/guides/failures.md", import.meta.url), "utf8");
  const listed = guide.split("\n").flatMap((line) => (line.startsWith("| `") ? [line.split("|")[1] ?? ""] : []));
  const classes = listed.flatMap((cell) => Array.from(cell.matchAll(/`([a-z-]+)`/g), ([, name = ""]) => name));
  expect(classes.sort()).toEqual([...diagnosisClasses].sort());
});

describe("exit codes", () => {
  test("stand in the help of every command", () => {
    for (const command of idleProgram().commands) {
      let help = "";
      command.configureOutput({ writeOut: (text) => (help += text) }).outputHelp();
      expect(help, command.name()).toMatch(/Exit codes: 0 done, 1 failed, 2 wrong usage, 3 .*, 130 interrupted/);
      expect(help.split("\n").find((line) => line.length > 80)).toBeUndefined();
    }
  });

  test("0, 1, 2 and 3", async () => {
    await using registry: TestRegistry = await aSource();
    const folder = tempFolder();
    await pullInto(folder, registry.host);
    expect((await runProgram("verify", folder)).code).toBe(0);
    expect((await runProgram("verify", tempFolder())).code).toBe(1);
    expect((await runProgram("verify", registry.host)).code).toBe(2);
    const lock = join(folder, "tranship.lock.json");
    expect((await runProgram("verify", `registry:${registry.host}/other`, "--plan", lock)).code).toBe(3);
  });
});
