import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { serialize } from "node:v8";
import { Bundle, BundleDirectory, PackagesService, plan, pull, pushBundle } from "@tranship/core";
import { type Credentials, createRegistry, examineRegistry } from "@tranship/registry";
import { startFileServer, type TestRegistry } from "@tranship/registry/testing";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { aSource } from "../support/mirror.ts";
import { runProgramIn } from "../support/run-program.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { type Mischief, SecretiveRegistry, secrets, tellTales } from "./secretive-registry.ts";

let inner: TestRegistry;
let registry: SecretiveRegistry;

beforeAll(async () => {
  inner = await aSource();
  registry = await SecretiveRegistry.start(inner);
});

afterEach(() => void vi.unstubAllEnvs());

afterAll(async () => {
  await registry[Symbol.asyncDispose]();
  await inner[Symbol.asyncDispose]();
});

/** Which secrets a text holds. */
function told(text: string | Uint8Array): readonly string[] {
  const bytes = Buffer.from(text);
  return tellTales.filter((secret) => bytes.includes(secret));
}

/** The files below a folder that hold a secret, but for those in which the test put it. */
function tellingFiles(folder: string, given: readonly string[]): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !given.includes(path) && told(readFileSync(path)).length > 0);
}

/** Where a run takes its credentials from, and all it leaves behind. */
function aWorkFolder() {
  const folder = tempFolder();
  const at = (name: string) => join(folder, name);
  for (const name of ["docker", "tmp"]) mkdirSync(at(name));
  vi.stubEnv("TMPDIR", at("tmp"));
  const given = [at("docker/config.json"), at("key.pem"), at("deps.json"), at("bad.yaml")];
  const auth = Buffer.from(`${secrets.username}:${secrets.password}`).toString("base64");
  writeFileSync(at("docker/config.json"), JSON.stringify({ auths: { [registry.host]: { auth } } }));
  const environment = { DOCKER_CONFIG: at("docker"), HOME: folder, XDG_CACHE_HOME: at("cache"), PATH: "/usr/bin:/bin" };
  return { folder, at, given, environment };
}

/** Runs a command line; nothing it says or leaves may hold a secret. */
async function runs(
  { folder, given, environment }: ReturnType<typeof aWorkFolder>,
  line: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<{ readonly code: number | null; readonly said: string }> {
  const { code, stdout, stderr } = await runProgramIn({ ...environment, ...variables }, ...line);
  const said = stdout + stderr;
  const leaks = { told: told(said), files: tellingFiles(folder, given) };
  expect.soft({ line: line.join(" "), ...leaks }).toEqual({ line: line.join(" "), told: [], files: [] });
  return { code, said };
}

const login = { TRANSHIP_SOURCE_LOGIN: secrets.username, TRANSHIP_SOURCE_PASSWORD: secrets.password };
const targetLogin = { TRANSHIP_REGISTRY_LOGIN: secrets.username, TRANSHIP_REGISTRY_PASSWORD: secrets.password };

test("no command tells a secret or leaves one in a file while all goes well", async () => {
  const world = aWorkFolder();
  const { at } = world;
  const [from, to] = [`${registry.host}/demo/fe`, `${registry.host}/copy`];
  const well = async (...line: readonly string[]) => {
    const { code, said } = await runs(world, line, { ...login, ...targetLogin });
    expect(code, said).toBe(0);
  };
  const before = { proven: registry.proven, signed: registry.signed };
  await well("plan", "--source", from, "-o", at("plan.json"), "--json");
  await well("pull", at("bundle"), "--source", from, "--checksums", "sha256", "--json");
  await well("pull", at("bundle"), "--source", from);
  await well("push", at("bundle"), to, "--json");
  await well("push", at("bundle"), to);
  await well("verify", `registry:${to}`, "--plan", at("plan.json"), "--evidence", at("evidence.json"), "--json");
  await well("sync", from, `${registry.host}/synced`, "--include-package", "alb", "--json");
  await well("doctor", `${registry.host}/demo/fe/packages/alb`, "--write", "--json");
  await well("doctor", `${registry.host}/demo/fe/packages/alb`);
  await well("inventory", `registry:${to}`, "--plan", at("plan.json"), "-o", at("inventory.json"));
  await well("inspect", at("bundle"), "--layers", "--html", at("page.html"));
  await well("repair", at("bundle"), "--source", from);
  await well("clean", at("bundle"));
  await well("rootfs", `${from}/packages/alb:v1.0.2`, "-o", at("root.tar"), "--layer-cache", at("layers"), "--json");
  expect(registry.proven - before.proven).toBeGreaterThan(20);
  expect(registry.signed - before.signed).toBeGreaterThan(5);
});

test("nor with a license or an identity token, or with secrets in what is typed or in files that are named", async () => {
  const world = aWorkFolder();
  const { at } = world;
  const from = `${registry.host}/demo/fe`;
  const auth = ["--registry-login", secrets.username, "--registry-password", secrets.password];
  expect((await runs(world, ["plan", "--source", from, ...auth, "--json"])).code).toBe(0);
  expect((await runs(world, ["plan", "--source", from, "--license", secrets.license])).code).toBe(0);
  const entry = { auth: Buffer.from("<token>:").toString("base64"), identitytoken: secrets.refresh };
  writeFileSync(at("docker/config.json"), JSON.stringify({ auths: { [registry.host]: entry } }));
  expect((await runs(world, ["plan", "--source", from, "--json"])).code).toBe(0);

  await using files = await startFileServer();
  const pem = `-----BEGIN PRIVATE KEY-----\n${secrets.key}\n-----END PRIVATE KEY-----\n`;
  writeFileSync(at("key.pem"), pem);
  writeFileSync(at("bad.yaml"), `version: 1\nregistries:\n  "${registry.host}":\n    password: ${secrets.password}\n`);
  const missing = `http://${secrets.username}:${secrets.userInfo}@${files.host}/no?sig=${secrets.query}`;
  const item = { id: "x", url: missing, digest: `sha256:${"0".repeat(64)}`, size: 1 };
  writeFileSync(at("deps.json"), JSON.stringify({ tranship: "deps/v1", name: "p", version: "1.0.0", items: [item] }));
  const withoutUser = { ...item, url: `http://${files.host}/no?sig=${secrets.query}` };
  const userInfo = `${secrets.username}:${secrets.userInfo}@`;
  const wrong = async (...line: readonly string[]) => {
    for (const form of [[], ["--json"]])
      expect((await runs(world, [...line, ...form])).code, line.join(" ")).not.toBe(0);
  };
  for (const place of [`${userInfo}${from}`, `https://${userInfo}${from}`]) {
    await wrong("plan", "--source", place);
    await wrong("push", world.folder, place);
    await wrong("doctor", place);
    await wrong("plan", "--image", `${place}:v1`);
    await wrong("rootfs", place, "-o", at("never.tar"));
    await wrong("plan", "--source", from, "--mirror", `${registry.host}=${place}`);
    await runs(world, ["pull", at("x"), "--image", `${from}/packages/alb:v1.0.2`, "--image-rewrite", `${place}=x`]);
  }
  await wrong("plan", "--source", from, "--proxy", `socks9://${secrets.username}:${secrets.proxy}@127.0.0.1:1`);
  await wrong("plan", "--source", from, "--client-cert", at("key.pem"), "--client-key", at("key.pem"));
  await wrong("plan", "--source", from, "--ca", at("key.pem"));
  await wrong("plan", "--source", from, "--config", at("bad.yaml"));
  await wrong("deps", "download", "--manifest", at("deps.json"), "--cache", at("cache"));
  writeFileSync(
    at("deps.json"),
    JSON.stringify({ tranship: "deps/v1", name: "p", version: "1.0.0", items: [withoutUser] }),
  );
  await wrong("deps", "download", "--manifest", at("deps.json"), "--cache", at("cache"));
});

/** What goes wrong, and whether what was asked for can still come of it. */
const troubles: readonly {
  readonly name: string;
  readonly answer: NonNullable<Mischief["answer"]>;
  readonly isRetried?: boolean;
}[] = [
  {
    name: "the token service refuses",
    answer: (request, response) => isToken(request) && ends(response, 401, '{"details":"no"}'),
  },
  {
    name: "the token service says back what it was sent",
    isRetried: true,
    answer: (request, response) =>
      isToken(request) && ends(response, 500, `authorization: ${request.headers.authorization} ${request.url}`),
  },
  {
    name: "the token service answers with a token that is no JSON",
    isRetried: true,
    answer: (request, response) => isToken(request) && ends(response, 200, `{"token":"${secrets.token}`),
  },
  {
    name: "the token is refused",
    answer: ({ headers }, response) =>
      headers.authorization?.startsWith("Bearer ") === true &&
      ends(response, 403, `{"errors":[{"code":"DENIED","message":"Authorization: ${headers.authorization}"}]}`),
  },
  {
    name: "storage cannot be reached",
    isRetried: true,
    answer: ({ method, url = "" }, response) => {
      if (method !== "GET" || !/\/blobs\/sha256:/.test(url)) return false;
      const userInfo = `${secrets.username}:${secrets.userInfo}@`;
      response.writeHead(307, { location: `http://${userInfo}127.0.0.1:1/x?X-Signature=${secrets.signature}` }).end();
      return true;
    },
  },
  {
    name: "storage says that the signature is wrong",
    answer: ({ method, url = "" }, response) => {
      if (method !== "GET" || !/\/blobs\/sha256:/.test(url)) return false;
      const location = `/denied?X-Signature=${secrets.signature}`;
      if (url.startsWith("/denied")) return ends(response, 403, location);
      response.writeHead(307, { location }).end();
      return true;
    },
  },
  {
    name: "the server breaks off",
    isRetried: true,
    answer: ({ url = "" }, response) => {
      if (!/\/(?:blobs|manifests)\//.test(url)) return false;
      response.destroy();
      return true;
    },
  },
  {
    name: "uploads go on where nobody is",
    answer: ({ method }, response) => {
      if (method !== "POST") return false;
      response.writeHead(202, { location: `http://127.0.0.1:1/up?_state=${secrets.upload}` }).end();
      return true;
    },
  },
];

function isToken({ url = "" }: { readonly url?: string | undefined }): boolean {
  return url.startsWith("/token");
}

function ends(response: Parameters<NonNullable<Mischief["answer"]>>[1], status: number, body: string): true {
  response.writeHead(status, { "content-type": "application/json" }).end(body);
  return true;
}

// what is tried again takes the program its time: how it ends is seen in the errors below
test.for(troubles.filter(({ isRetried }) => !isRetried))(
  "no command tells one when $name",
  async ({ name, answer }) => {
    const world = aWorkFolder();
    const { at } = world;
    const from = `${registry.host}/demo/fe`;
    const bundle = at("bundle");
    await runProgramIn(
      { ...world.environment, ...login },
      "pull",
      bundle,
      "--source",
      from,
      "--include-package",
      "alb",
    );
    registry.mischief.answer = answer;
    try {
      const lines = [
        ["plan", "--source", from],
        ["pull", at("broken"), "--source", from, "--keep-going", "--json"],
        ["push", bundle, `${registry.host}/copy-${name.toLowerCase().replaceAll(" ", "-")}`, "--json"],
        ["doctor", `${from}/packages/alb`, "--write"],
        ["doctor", `${from}/packages/alb`, "--json"],
        ["rootfs", `${from}/packages/alb:v1.0.2`, "-o", at("root.tar")],
      ];
      const codes = [];
      for (const line of lines) codes.push((await runs(world, line, { ...login, ...targetLogin })).code);
      expect(
        codes.some((code) => code !== 0),
        "something does go wrong",
      ).toBe(true);
    } finally {
      registry.mischief.answer = undefined;
    }
  },
);

test.for(troubles)("no event, and no error with all that caused it, holds one when $name", async ({ name, answer }) => {
  const seen: unknown[] = [];
  const onEvent = (event: unknown) => void seen.push(event);
  const credentials: Credentials = { username: secrets.username, password: secrets.password };
  const options = { credentials, attempts: 1, onEvent };
  const folder = tempFolder();
  {
    await using whole = createRegistry(`${inner.host}/demo/fe`);
    await using bundle = await BundleDirectory.open(folder);
    await pull([new PackagesService({ source: whole, include: ["alb"] })], { to: bundle });
  }
  registry.mischief.answer = answer;
  try {
    await using source = createRegistry(`${registry.host}/demo/fe`, options);
    await using target = createRegistry(`${registry.host}/other-${name.toLowerCase().replaceAll(" ", "-")}`, options);
    const keep = (work: Promise<unknown>) => work.then(() => {}, onEvent);
    await keep(plan([new PackagesService({ source })], { onEvent }));
    await using broken = await BundleDirectory.open(tempFolder());
    await keep(pull([new PackagesService({ source })], { to: broken, onEvent, retryDelayMs: 1, attempts: 1 }));
    await using bundle = await Bundle.open(folder);
    await keep(pushBundle(bundle, target, { onEvent }));
    await keep(examineRegistry(source, {}));
    seen.push(source, target);
  } finally {
    registry.mischief.answer = undefined;
  }
  expect(seen.some((one) => one instanceof Error)).toBe(true);
  for (const one of seen) expect.soft(told(everythingOf(one))).toEqual([]);
});

/** All that a look at a value can show: what logs print, what is hidden, JSON, and what goes to another thread. */
function everythingOf(value: unknown): string {
  const options = {
    depth: Number.POSITIVE_INFINITY,
    showHidden: true,
    maxStringLength: null,
    maxArrayLength: null,
    getters: true,
  };
  const chain: string[] = [];
  for (let at: unknown = value; at instanceof Error; at = at.cause) {
    chain.push(at.message, at.stack ?? "", JSON.stringify(Object.getOwnPropertyDescriptors(at)));
    chain.push(cloned(at));
  }
  return [inspect(value, options), JSON.stringify(value) ?? "", ...chain].join("\n");
}

function cloned(value: unknown): string {
  try {
    return serialize(value).toString("latin1");
  } catch {
    return ""; // not everything can be
  }
}
