import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  createRegistry,
  type Examination,
  type ExaminedId,
  examineRegistry,
  locateDockerCredentials,
  type RegistryOptions,
} from "@tranship/registry";
import { anImage, type Fault, faults, startTestRegistry, type TestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { credentialSource } from "../../packages/cli/src/credential-source.ts";
import { CertificateAuthority, canMakeCertificates } from "../support/certificates.ts";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { pushImage } from "../support/product.ts";
import { runProgram } from "../support/run-program.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { lacking } from "../support/tools.ts";

type Registry = TestRegistry;

const image = anImage({ tag: "v1", size: 4096 });

async function aRegistry(options: Parameters<typeof startTestRegistry>[0] = {}): Promise<Registry> {
  const registry = await startTestRegistry(options);
  registry.seed("team/app", image);
  return registry;
}

/** What is found at `team` of a registry that is asked with these options. */
async function examined(
  { host }: { readonly host: string },
  options: RegistryOptions & { readonly write?: boolean; readonly at?: string } = {},
): Promise<Examination> {
  const { write, at = "team/app", ...rest } = options;
  await using registry = createRegistry(`${host}/${at}`, { attempts: 1, ...rest });
  return await examineRegistry(registry, { write });
}

/** How each check ended. */
function statuses({ checks }: Examination): Partial<Record<ExaminedId, string>> {
  return Object.fromEntries(checks.map(({ id, status }) => [id, status]));
}

function checkOf({ checks }: Examination, id: ExaminedId): Examination["checks"][number] {
  return checks.find((check) => check.id === id) ?? expect.unreachable(`${id} was not checked`);
}

/** Adds headers to every answer that `match` accepts. */
function withHeaders(registry: Registry, headers: Readonly<Record<string, string>>, match = (_path: string) => true) {
  const fault: Fault = {
    begin: () => () => ({ head: (head) => ({ ...head, headers: { ...head.headers, ...headers } }) }),
  };
  registry.fail(fault, { match: ({ path }) => match(path), times: 99 });
}

const written = ["upload", "chunks", "mount", "manifest-push"] as const;

describe.skipIf(lacking("docker-registry").length > 0)("Debian's docker-registry", () => {
  test("reads, has no referrers API, is written and left as it was", async () => {
    await using docker = await startDockerRegistry();
    await using registry = createRegistry(docker.host);
    await pushImage(registry, "team/app", image);
    const { code, stdout } = await runProgram("doctor", `${docker.host}/team/app`, "--write", "--json");
    const report = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as Examination;
    expect(report.checks.filter(({ status }) => status !== "ok").map(({ id }) => id)).toEqual(["tls"]);
    expect([code, report.status, report.left]).toEqual([0, "ok", []]);
    expect(checkOf(report, "referrers").details).toEqual({ api: false, status: 404 });
    expect(checkOf(report, "mount").reason).toContain("mounted");
    expect(await Array.fromAsync(registry.repository("team/app").tags())).toEqual(["v1"]);
  });
});

describe("a registry that does everything", () => {
  test("is well, and nothing is written", async () => {
    await using registry = await aRegistry();
    const report = await examined(registry);
    expect(report.status).toBe("ok");
    expect(statuses(report)).toMatchObject({
      connection: "ok",
      api: "ok",
      catalog: "ok",
      manifest: "ok",
      ranges: "ok",
    });
    expect(written.map((id) => checkOf(report, id).status)).toEqual(written.map(() => "not-asked"));
    expect(checkOf(report, "referrers").details).toMatchObject({ api: true });
    expect(new Set(registry.requests().map(({ method }) => method))).toEqual(new Set(["GET", "HEAD"]));
  });

  test("is written when told so, and left as it was", async () => {
    await using registry = await aRegistry();
    const report = await examined(registry, { write: true });
    expect(written.map((id) => checkOf(report, id).status)).toEqual(written.map(() => "ok"));
    expect(report.left).toEqual([]);
    const { repository } = registry.registry;
    const tags = await Array.fromAsync(repository.call(registry.registry, "team/app").tags());
    expect(tags).toEqual(["v1"]);
    expect(registry.requests().some(({ method }) => method === "PATCH")).toBe(true);
  });

  test("is well where nothing lies yet, for who will write there", async () => {
    await using registry = await aRegistry();
    const fresh = await examined(registry, { at: "fresh", write: true });
    expect([fresh.status, checkOf(fresh, "tags").status, checkOf(fresh, "manifest-push").status]).toEqual([
      "ok",
      "not-asked",
      "ok",
    ]);
    expect(checkOf(await examined(registry, { at: "fresh" }), "tags").status).toBe("warning");
  });

  test("is read where the catalog leads, when the path has no tags itself", async () => {
    await using registry = await aRegistry();
    expect(checkOf(await examined(registry, { at: "team" }), "tags").details).toMatchObject({ tags: 1 });
  });

  test("says the same to people, with what to do", async () => {
    await using registry = await aRegistry();
    registry.fail(faults.status(403), { match: ({ path }) => path === "/v2/_catalog" });
    const { code, stdout, stderr } = await runProgram("doctor", `${registry.host}/team/app`);
    expect([code, stderr]).toEqual([3, ""]);
    expect(stdout).toMatch(/^ {2}WARNING the list of repositories.*\n {10}.*403 Forbidden.*\n {10}-> /m);
    expect(stdout).toMatch(/it works, with 1 warning, \d not asked\n$/);
  });
});

describe("what a registry does not do", () => {
  const everywhere = { match: () => true, times: 99 };

  test("a port where nobody listens: nothing after it is asked", async () => {
    const gone = await aRegistry();
    await gone[Symbol.asyncDispose]();
    const { code, stdout } = await runProgram("doctor", `${gone.host}/team`, "--json");
    const report = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as Examination;
    expect([code, report.status]).toEqual([1, "failed"]);
    expect(checkOf(report, "connection")).toMatchObject({ status: "failed", code: "NETWORK" });
    expect(checkOf(report, "connection")).toMatchObject({ class: "network", causes: expect.any(Array) });
    const { connection: _connection, ...rest } = statuses(report);
    expect(new Set(Object.values(rest))).toEqual(new Set(["not-asked"]));
  });

  test("a web page in the place of an API", async () => {
    await using registry = await aRegistry();
    registry.fail(faults.status(200, { body: "<html>", headers: { "content-type": "text/html" } }), everywhere);
    expect(checkOf(await examined(registry), "api")).toMatchObject({ status: "failed", code: "PROTOCOL" });
  });

  test("lists nobody may read, a HEAD that tells nothing, ranges that are not kept to, referrers", async () => {
    await using registry = await aRegistry({ referrersApi: false });
    registry.fail(faults.status(404), { match: ({ path }) => path === "/v2/_catalog", times: 9 });
    registry.fail(faults.lyingRange({ mode: "ignored" }), { match: ({ path }) => path.includes("/blobs/"), times: 9 });
    withHeaders(registry, { "docker-content-digest": "" }, (path) => path.endsWith("/manifests/v1"));
    const report = await examined(registry);
    expect(report.status).toBe("warning");
    expect(statuses(report)).toMatchObject({
      catalog: "warning",
      manifest: "warning",
      ranges: "warning",
      referrers: "ok",
    });
    expect(checkOf(report, "referrers").details).toMatchObject({ api: false });
  });

  test("a HEAD that names another manifest than the GET does", async () => {
    await using registry = await aRegistry();
    const head = { "docker-content-digest": `sha256:${"0".repeat(64)}` };
    const fault: Fault = { begin: () => () => ({ head: (one) => ({ ...one, headers: { ...one.headers, ...head } }) }) };
    registry.fail(fault, { match: ({ method, path }) => method === "HEAD" && path.includes("/manifests/") });
    const report = await examined(registry);
    expect(checkOf(report, "manifest")).toMatchObject({ status: "failed", code: "DIGEST_MISMATCH" });
    expect(statuses(report)).toMatchObject({ referrers: "not-asked", ranges: "not-asked" });
  });

  test("limits that are used up, words for users, and a clock that is wrong", async () => {
    await using registry = await aRegistry();
    registry.fail(faults.warning("moving \u001b[2J soon"), { match: ({ path }) => path === "/v2/" });
    withHeaders(registry, { "ratelimit-limit": "100;w=21600", "ratelimit-remaining": "0;w=21600" }, (path) =>
      path.includes("/manifests/"),
    );
    expect(checkOf(await examined(registry), "limits")).toMatchObject({
      status: "warning",
      reason: expect.stringMatching(/ratelimit-remaining: 0;w=21600; the registry says: moving .*soon$/),
    });
    registry.reset();
    withHeaders(registry, { date: new Date(Date.now() - 600_000).toUTCString() }, (path) => path === "/v2/");
    const clock = checkOf(await examined(registry), "clock");
    expect(clock).toMatchObject({ status: "warning", reason: expect.stringContaining("behind ours") });
    expect(clock.details?.skewSeconds).toBeLessThan(-590);
  });
});

describe("writing", () => {
  test("what refuses it is a failure, and nothing else is tried", async () => {
    await using registry = await aRegistry({ readOnly: true });
    const report = await examined(registry, { write: true });
    expect(report.status).toBe("failed");
    expect(written.map((id) => checkOf(report, id).status)).toEqual(["failed", "not-asked", "not-asked", "not-asked"]);
  });

  test("what cannot be deleted is told, and what is not mounted", async () => {
    await using registry = await aRegistry({ allowDelete: false });
    registry.fail(faults.status(405), { match: ({ queryNames }) => queryNames.includes("mount"), times: 9 });
    const report = await examined(registry, { write: true });
    expect(statuses(report)).toMatchObject({
      upload: "ok",
      chunks: "ok",
      mount: "warning",
      "manifest-push": "warning",
    });
    expect(report.left).toEqual([expect.stringMatching(/\/team\/app:tranship-doctor-[0-9a-f]{8}$/)]);
  });
});

describe("credentials", () => {
  const credentials = { username: "robot", password: "s3cret-right" };

  test.for(["basic", "bearer"] as const)("are asked for, found and accepted, or not: %s", async (scheme) => {
    await using registry = await aRegistry({ auth: { scheme, credentials } });
    const right = await examined(registry, { credentials });
    expect([right.status, checkOf(right, "credentials").status]).toEqual(["ok", "ok"]);
    expect(checkOf(right, "api").details?.auth).toEqual([
      scheme === "basic" ? expect.stringContaining("basic") : expect.stringContaining(`${registry.url}/token`),
    ]);
    const wrong = await examined(registry, { credentials: { ...credentials, password: "s3cret-wrong" } });
    expect(checkOf(wrong, "credentials")).toMatchObject({ status: "failed", code: "UNAUTHORIZED" });
    expect(checkOf(wrong, "tags").status).toBe("not-asked");
    expect(JSON.stringify([right, wrong])).not.toContain("s3cret");
  });

  test("come from where they are told to come from", async () => {
    await using registry = await aRegistry({ auth: { scheme: "basic", credentials } });
    const configPath = join(tempFolder(), "config.json");
    const auth = Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64");
    writeFileSync(configPath, JSON.stringify({ auths: { [registry.host]: { auth } } }));
    const locate = locateDockerCredentials({ configPath });
    expect(await locate({ host: registry.host })).toBe(configPath);
    expect(await locate({ host: "elsewhere.example" })).toBeUndefined();
    const flags = ["--registry-login", credentials.username, "--registry-password", credentials.password];
    const { code, stdout } = await runProgram("doctor", `${registry.host}/team/app`, ...flags, "--json");
    const report = JSON.parse(stdout.trim().split("\n").at(-1) ?? "{}") as Examination;
    expect(code).toBe(0);
    expect(checkOf(report, "credentials").details).toEqual({ from: "--registry-login" });
    expect(stdout).not.toContain("s3cret");
    const nobody = await runProgram("doctor", `${registry.host}/team/app`);
    expect(nobody.code).toBe(1);
    expect(nobody.stdout).toContain("none were found");
    expect(nobody.stdout).toMatch(/^ {2}FAILED {2}lists of tags.*\n.*401.*\n {10}\* no credentials .*\n {12}-> /m);
  });
});

test.skipIf(!canMakeCertificates)("TLS: who vouches for it and for how long, or why it is not trusted", async () => {
  using authority = new CertificateAuthority();
  await using registry = await aRegistry({ tls: authority.issue({ altNames: "IP:127.0.0.1", days: 90 }) });
  const trusted = checkOf(await examined(registry, { insecure: false, ca: authority.cert }), "tls");
  expect(trusted).toMatchObject({ status: "ok", details: { version: "TLSv1.3", issuer: "Test CA", daysLeft: 89 } });
  const unknown = await examined(registry, { insecure: false });
  expect([checkOf(unknown, "connection").status, checkOf(unknown, "tls").code]).toEqual(["ok", "TLS"]);
  const unchecked = checkOf(await examined(registry, { insecure: false, tlsSkipVerify: true }), "tls");
  expect(unchecked).toMatchObject({
    status: "warning",
    reason: expect.stringContaining("it is not trusted: UNABLE_TO"),
  });
  await using soon = await aRegistry({ tls: authority.issue({ altNames: "IP:127.0.0.1", days: 3 }) });
  expect(checkOf(await examined(soon, { insecure: false, ca: authority.cert }), "tls").status).toBe("warning");
});

test("each check is told as it is done, and a call that is given up ends at once", async () => {
  await using registry = await aRegistry();
  await using remote = createRegistry(`${registry.host}/team/app`);
  const told: string[] = [];
  const { checks } = await examineRegistry(remote, { onCheck: ({ id }) => told.push(id) });
  expect(told).toEqual(checks.map(({ id }) => id));
  const reason = new Error("enough");
  const giving = new AbortController();
  const leave = () => giving.abort(reason);
  await expect(examineRegistry(remote, { signal: giving.signal, onCheck: leave })).rejects.toBe(reason);
});

test("given up in the middle of writing, it still takes its tag away", async () => {
  await using registry = await aRegistry();
  await using remote = createRegistry(`${registry.host}/team/app`);
  const giving = new AbortController();
  const reason = new Error("enough");
  const fault: Fault = {
    begin: () => () => {
      giving.abort(reason); // once the tag is there, before it is read back
      return undefined;
    },
  };
  const isReadBack = ({ method, path }: { readonly method: string; readonly path: string }) =>
    method === "HEAD" && path.includes("/manifests/tranship-doctor-");
  registry.failOnce(fault, isReadBack);
  await expect(examineRegistry(remote, { write: true, signal: giving.signal })).rejects.toBe(reason);
  expect(await Array.fromAsync(registry.registry.repository("team/app").tags())).toEqual(["v1"]);
});

test.for([
  { flags: ["--license", "abc"], side: "target", environment: {}, from: "--license" },
  {
    flags: [],
    side: "target",
    environment: { TRANSHIP_REGISTRY_LOGIN: "ann", HOME: "/none" },
    from: "TRANSHIP_REGISTRY_LOGIN",
  },
  {
    flags: [],
    side: "source",
    environment: { TRANSHIP_LICENSE_TOKEN: "abc", HOME: "/none" },
    from: "TRANSHIP_LICENSE_TOKEN",
  },
  { flags: [], side: "source", environment: { TRANSHIP_REGISTRY_LOGIN: "ann", HOME: "/none" }, from: undefined },
] as const)(
  "credentials of $side with $flags and $environment are from $from",
  async ({ flags, side, environment, from }) => {
    const license = flags[1] === undefined ? {} : { license: flags[1] };
    const found = await credentialSource({ flags: license, environment, side, host: "h", path: "" });
    expect(found).toBe(from);
  },
);

test("a registry behind mirrors is not examined, and a bundle is wrong usage", async () => {
  await using mirrored = createRegistry("registry.example", { mirrors: ["mirror.example"] });
  await expect(examineRegistry(mirrored)).rejects.toMatchObject({ code: "UNSUPPORTED" });
  expect((await runProgram("doctor", "bundle:b")).code).toBe(2);
});
